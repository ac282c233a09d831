import { type Check, quote } from "./fault";
import { PORT_BOUNDS } from "./size";

/** Refuses what is neither a port nor a range of ports in the form of Proxmox's firewall, such as `8000:8010`. */
export const checkPorts: Check<string> = (text) => {
  const [least, most] = PORT_BOUNDS;
  const [from = "", to = from, ...rest] = text.split(":");
  const valid = (port: string) => /^[1-9]\d*$/.test(port) && Number(port) >= least && Number(port) <= most;
  return valid(from) && valid(to) && rest.length === 0 && Number(from) <= Number(to)
    ? undefined
    : {
        code: "invalid-port",
        message: `${quote(text)} is neither a port nor a range of ports`,
        remedy: `Write a number from ${least} to ${most}, such as 22, or a range, such as 8000:8010.`,
      };
};
