import {
  checkCidr,
  checkHostAddress,
  contains,
  formatNetwork,
  networkOf,
  parseCidr,
  parseHostAddress,
  reservedRole,
  toAddress,
  toNumber,
} from "../../grammar/address";

test.each(["0.0.0.0", "10.0.0.1", "128.0.0.0", "192.0.2.255", "255.255.255.255"])(
  "%s is the same address after its number",
  (ip) => {
    expect(toAddress(toNumber(ip))).toBe(ip);
  },
);

test.each([
  ["0.0.0.0", 0],
  ["192.0.2.1", 3_221_225_985],
  ["255.255.255.255", 4_294_967_295],
])("%s is the number %d", (ip, number) => expect(toNumber(ip)).toBe(number));

test.each([
  "192.0.2",
  "192.0.2.256",
  "192.0.2.01",
  "192.0.2.1.",
  " 192.0.2.1",
  "192.0.2.1/33",
  "192.0.2.1/024",
  "192.0.2.1/24/24",
  "::1",
  "",
])("%p is no host address", (text) => expect(checkHostAddress(text)?.code).toBe("invalid-address"));

test("a host address may have a prefix, or none", () => {
  expect([parseHostAddress("192.0.2.21"), parseHostAddress("192.0.2.21/24"), parseHostAddress("dhcp")]).toEqual([
    { ip: "192.0.2.21" },
    { ip: "192.0.2.21", prefix: 24 },
    undefined,
  ]);
});

test("a network with host bits gets the right one back", () => {
  expect(checkCidr("192.0.2.77/26")?.remedy).toBe("Write 192.0.2.64/26.");
});

test.each([
  ["192.0.2.0/24", "192.0.2.0", true],
  ["192.0.2.0/24", "192.0.2.255", true],
  ["192.0.2.0/24", "192.0.3.0", false],
  ["0.0.0.0/0", "255.255.255.255", true],
  ["128.0.0.0/1", "127.255.255.255", false],
  ["192.0.2.7/32", "192.0.2.7", true],
  ["192.0.2.7/32", "192.0.2.8", false],
])("%s contains %s: %p", (network, ip, expected) => expect(contains(parseCidr(network), ip)).toBe(expected));

test.each([
  ["192.0.2.0/24", "192.0.2.0", "network"],
  ["192.0.2.0/24", "192.0.2.255", "broadcast"],
  ["192.0.2.0/24", "192.0.2.1", undefined],
  ["10.0.0.0/8", "10.255.255.255", "broadcast"],
  ["192.0.2.0/31", "192.0.2.0", undefined],
  ["192.0.2.0/31", "192.0.2.1", undefined],
])("in %s, %s is %p", (network, ip, role) => expect(reservedRole(parseCidr(network), ip)).toBe(role));

test("the network of an address with its prefix is written in CIDR form", () => {
  expect(formatNetwork(networkOf("192.0.2.77", 26))).toBe("192.0.2.64/26");
});
