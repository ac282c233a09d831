import { checkPorts } from "../../grammar/ports";

test.each(["1", "22", "65535", "1:65535", "22:22", "8000:8010"])("%s is a port or a range", (text) => {
  expect(checkPorts(text)).toBeUndefined();
});
test.each(["", "0", "65536", "0:22", "22:65536", "8010:8000", "22:23:24", "22:", ":22", "022", "ssh", " 22", "22 "])(
  "%j is neither",
  (text) => expect(checkPorts(text)).toMatchObject({ code: "invalid-port", remedy: expect.stringContaining("from 1 to 65535") }),
);
