import { z } from "zod";
import { CADDY_VERSION, DOOR_USER, HTTPS_PORT } from "../../catalog/caddy";
import { ACME_SERVER } from "../../catalog/cert-manager";
import { checkDomainName } from "../../grammar/domain-name";
import { checkEmail } from "../../grammar/email";
import { checkFilePath } from "../../grammar/file-path";
import { PORT_BOUNDS } from "../../grammar/size";
import { checkHttpUrl } from "../../grammar/url";
import { text, whole } from "./field";

const internal = z
  .strictObject({ type: z.literal("internal").describe("A certificate of the container's own authority.") })
  .describe("A certificate of an authority that the container makes for itself. Clients trust it once they have its root.");

const acme = z
  .strictObject({
    type: z.literal("acme").describe("A certificate by ACME."),
    email: text(checkEmail, "Where the certificate authority writes to."),
    server: text(checkHttpUrl, "The ACME server. It checks the host at port 443 (TLS-ALPN-01).").default(ACME_SERVER),
    root: text(
      checkFilePath,
      "The root certificate behind the ACME server's own HTTPS, PEM, relative to this file: for an authority of your own, such as step-ca, which no container knows. Default: the authorities that the container knows.",
    ).optional(),
  })
  .describe("A certificate that the container gets by ACME, and renews.");

const files = z
  .strictObject({
    type: z.literal("files").describe("A certificate of your own."),
    certificate: text(checkFilePath, "The certificate and those between it and its authority, PEM, relative to this file."),
    key: text(checkFilePath, "Its private key, PEM, relative to this file. Ansible copies it; nothing else reads it."),
  })
  .describe("A certificate of your own. After a renewal run Ansible again.");

/** `https:` of a container — a door with a lock before its Ollama. */
export const httpsDoor = z
  .strictObject({
    tokenFile: text(
      checkFilePath,
      `File on this machine with the token, relative to this file: at least 16 letters, digits and _ . ~ + / = -. Clients send it as Authorization: Bearer, or as the password of the user ${DOOR_USER}. Ansible and doctor read it; it never enters the lab, the state or the inventory.`,
    ),
    host: text(checkDomainName, "Name under which it is reached. Default: the container's address.").optional(),
    port: whole(...PORT_BOUNDS, "Port that network.clients reach, in place of Ollama's.").default(HTTPS_PORT),
    certificate: z
      .discriminatedUnion("type", [internal, acme, files])
      .prefault({ type: "internal" })
      .describe("Where its certificate comes from."),
  })
  .describe(
    `HTTPS with a token before Ollama, which then listens on the container alone: Caddy, from the distribution or ${CADDY_VERSION} from its project. Default: Ollama answers everybody in network.clients.`,
  );
