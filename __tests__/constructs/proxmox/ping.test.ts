import { ping } from "../../../constructs/proxmox/ping";

test("a ping is ICMP from these networks, under its own name", () => {
  expect(ping(["192.0.2.0/24"])).toEqual({ service: "ping", protocol: "icmp", sources: ["192.0.2.0/24"] });
});
