#!/usr/bin/env python3
"""Stands before the embedded broker, which knows neither TLS nor SASL, and speaks both.

usage: security-peer.py '{"upstream": port, ...}'; prints its port, then a line for each client that signed in.
Addresses in what the broker answers are replaced by its own, so that every connection comes through it.
"""
import base64, hashlib, hmac, json, os, socket, ssl, struct, sys, threading, time

options = json.loads(sys.argv[1])
mechanism = options.get("mechanism")


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_frame(connection):
    size = struct.unpack(">i", read_exactly(connection, 4))[0]
    if not 0 <= size <= 64 << 20:
        raise EOFError
    return read_exactly(connection, size)


def send_frame(connection, data):
    connection.sendall(struct.pack(">i", len(data)) + data)


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def scram(step, message, state):
    digest = "sha256" if mechanism == "SCRAM-SHA-256" else "sha512"
    if step == 0:
        state["bare"] = message[3:]
        client_nonce = dict(p.split("=", 1) for p in message[3:].split(","))["r"]
        state["nonce"] = client_nonce + base64.b64encode(os.urandom(12)).decode()
        state["salt"] = os.urandom(16)
        state["first"] = "r=%s,s=%s,i=4096" % (state["nonce"], base64.b64encode(state["salt"]).decode())
        return state["first"]
    proofless, proof = message.rsplit(",p=", 1)
    nonce = dict(p.split("=", 1) for p in proofless.split(","))["r"]
    # As Kafka 4 does, or as the brokers before it.
    if not (nonce == state["nonce"] if options.get("strict") else nonce.endswith(state["nonce"])):
        return None
    salted = hashlib.pbkdf2_hmac(digest, options["password"].encode(), state["salt"], 4096)
    client_key = hmac.digest(salted, b"Client Key", digest)
    signed = ",".join([state["bare"], state["first"], proofless]).encode()
    signature = hmac.digest(hashlib.new(digest, client_key).digest(), signed, digest)
    if bytes(a ^ b for a, b in zip(client_key, signature)) != base64.b64decode(proof):
        return None
    server_key = hmac.digest(salted, b"Server Key", digest)
    return "v=" + base64.b64encode(hmac.digest(server_key, signed, digest)).decode()


def judge(step, message, state):
    """What is answered, and whether that is the end of it; None: refused."""
    if mechanism == "PLAIN":
        good = message == b"\0ebb\0" + options["password"].encode()
        return (b"", True) if good else None
    if mechanism == "OAUTHBEARER":
        token = message.split(b"auth=Bearer ", 1)[1].split(b"\1", 1)[0].decode()
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        good = claims["exp"] > time.time() and claims["sub"] == "ebb" and not claims.get("foreign")
        if good:
            print("signed in " + str(claims.get("jti", "")), flush=True)
        return (b"", True) if good else None
    answer = scram(step, message.decode(), state)
    return None if answer is None else (answer.encode(), step == 1)


def sign_in(client):
    """Answers ApiVersions, SaslHandshake and SaslAuthenticate; returns when the client is let in."""
    state, step = {}, 0
    while True:
        frame = read_frame(client)
        key, version, correlation = struct.unpack(">hhi", frame[:8])
        rest = frame[10 + max(0, struct.unpack(">h", frame[8:10])[0]):]
        head = struct.pack(">i", correlation)
        if key == 18:
            # Asked again by the client in version 0.
            upstream = socket.create_connection(("127.0.0.1", options["upstream"]))
            send_frame(upstream, frame)
            answer = read_frame(upstream)
            upstream.close()
            keys = struct.pack(">hhh", 17, 0, 1) + struct.pack(">hhh", 36, 0, 0)
            if version == 0:
                error, count = struct.unpack(">hi", answer[4:10])
                answer = answer[:4] + struct.pack(">hi", error, count + 2) + answer[10:] + keys
                send_frame(client, answer)
            else:
                send_frame(client, head + struct.pack(">hi", 35, 1) + struct.pack(">hhh", 18, 0, 0))
        elif key == 17:
            length = struct.unpack(">h", rest[:2])[0]
            known = rest[2:2 + length].decode() == mechanism
            send_frame(client, head + struct.pack(">hi", 0 if known else 33, 1) + text(mechanism))
        elif key == 36:
            answer = judge(step, rest[4:], state)
            step += 1
            if answer is None:
                send_frame(client, head + struct.pack(">h", 58) + text(
                    "Authentication failed during authentication due to invalid credentials with SASL mechanism "
                    + mechanism) + struct.pack(">i", 0))
                raise EOFError
            send_frame(client, head + struct.pack(">hh", 0, -1) + struct.pack(">i", len(answer[0])) + answer[0])
            if answer[1]:
                return
        else:
            raise EOFError


def pump(source, target, change):
    try:
        while True:
            frame = read_frame(source)
            send_frame(target, change(frame))
    except (EOFError, OSError, ssl.SSLError):
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, context, port):
    try:
        if context:
            client = context.wrap_socket(client, server_side=True)
        if mechanism:
            sign_in(client)
        upstream = socket.create_connection(("127.0.0.1", options["upstream"]))
    except (EOFError, OSError, ssl.SSLError, KeyError, ValueError, IndexError, struct.error):
        client.close()
        return
    old = b"127.0.0.1" + struct.pack(">i", options["upstream"])
    new = b"127.0.0.1" + struct.pack(">i", port)
    threading.Thread(target=pump, args=(client, upstream, lambda frame: frame), daemon=True).start()
    pump(upstream, client, lambda frame: frame.replace(old, new))


context = None
if options.get("certificate"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options["certificate"], options["key"])
    # So that a client without a certificate hears of it in the handshake.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if options.get("clients"):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options["clients"])
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
print(port, flush=True)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection, context, port), daemon=True).start()
