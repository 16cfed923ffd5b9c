import CMemory

/// Brings a cache line nearer, if it can be had. Any address may be asked for.
@inline(__always) package func ebbPrefetch(_ address: UnsafeRawPointer) { unsafe ebb_prefetch(address) }
