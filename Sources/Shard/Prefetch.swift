import CPrefetch

/// Brings a cache line nearer, if it can be had. Any address may be asked for.
@inline(__always) func ebbPrefetch(_ address: UnsafeRawPointer) { unsafe ebb_prefetch(address) }
