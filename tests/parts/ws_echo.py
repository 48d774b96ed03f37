#!/usr/bin/env python3
"""A WebSocket echo by somebody else's library (python3-websockets), or a client of one.

usage: ws_echo.py serve CERT KEY        prints its port; ends with its input
       ws_echo.py say CA HOST PORT TEXT to wss://HOST:PORT/ at 127.0.0.1; prints what comes back
"""
import asyncio
import ssl
import sys

import websockets


async def echo(ws):
    try:
        async for message in ws:
            await ws.send(message)
    except websockets.ConnectionClosed:
        pass  # a probe breaks off


async def serve(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = await websockets.serve(echo, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def say(ca, host, port, text):
    context = ssl.create_default_context(cafile=ca)
    async with websockets.connect(f"wss://{host}:{port}/", host="127.0.0.1", port=int(port), ssl=context) as ws:
        await ws.send(text)
        print(await ws.recv())


if __name__ == "__main__":
    asyncio.run({"serve": serve, "say": say}[sys.argv[1]](*sys.argv[2:]))
