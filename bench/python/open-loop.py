# The Python version of "open + pass + receive", with socket.send_fds and recv_fds. Otherwise it
# does the same as bench/c/open-loop.c, but does not confine the path to the root (openat2). Prints
# the microseconds of each request, one per line. Usage: open-loop.py ROOT PATH COUNT
import os
import socket
import sys
import time

root, path, count = sys.argv[1], sys.argv[2].lstrip("/"), int(sys.argv[3])
directory = os.open(root, os.O_PATH | os.O_DIRECTORY)
client, server = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

if os.fork() == 0:
    client.close()
    while server.recv(64):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK, dir_fd=directory)
        socket.send_fds(server, [bytes(136)], [fd])
        os.close(fd)
    os._exit(0)

server.close()
request = bytes(64)
for index in range(-count, count):
    started = time.perf_counter_ns()
    client.send(request)
    _, fds, _, _ = socket.recv_fds(client, 136, 1)
    taken = time.perf_counter_ns() - started
    os.close(fds[0])
    if index >= 0:
        print(f"{taken / 1000:.2f}")
client.close()
os.wait()
