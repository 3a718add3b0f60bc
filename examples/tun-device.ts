// Creates a network interface in a container and prints the packets that the container sends to it:
// the agent opens the container's /dev/net/tun and passes the descriptor. Devices are passed like
// any other file.
//
// docker run -d --name web $(porthole docker-args) --device /dev/net/tun --cap-add NET_ADMIN IMAGE
// node build/examples/tun-device.mjs web wire0 2        # two packets, then end
//
// The interface is created in the network namespace of the process that opened the device: on the
// `mount` route that is the container's.
import koffi from "koffi";
import { connect } from "porthole";

const TUNSETIFF = 0x4004_54ca; // linux/if_tun.h
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ_SIZE = 40; // struct ifreq, netdevice(7): 16 bytes of name, then the flags

const ioctl = koffi.load(null).func("int ioctl(int, ulong, uint8_t *)");

const [name, wire = "wire0", count = "1"] = process.argv.slice(2);
if (name === undefined) throw new Error("usage: tun-device CONTAINER [INTERFACE [PACKETS]]");
await using session = await connect(name, { route: "mount" });
await using device = await session.open("/dev/net/tun", { write: true, consume: true });

const request = Buffer.alloc(IFREQ_SIZE);
request.write(wire, "latin1");
request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
if (ioctl(device.fd, TUNSETIFF, request) < 0) throw new Error(`TUNSETIFF: errno ${koffi.errno()}`);
console.log(`${wire} is ready: ip addr add 10.9.9.1/24 dev ${wire}; ip link set ${wire} up; ping 10.9.9.2`);

let left = Number(count);
// Each chunk is one packet.
for await (const packet of device.stream()) {
  if (packet[0] !== 0x45) continue; // not plain IPv4
  const address = (at: number) => packet.subarray(at, at + 4).join(".");
  console.log(`protocol ${packet[9]}, ${address(12)} -> ${address(16)}, ${packet.length} bytes`);
  left -= 1;
  if (left === 0) break;
}
