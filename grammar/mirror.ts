import { type Fault, type FaultCode, matching, quote, type ValueCheck } from "./fault";
import { checkFilePath } from "./file-path";
import { checkHttpUrl } from "./url";

/** Refuses a URL that is not https: what comes over plain http can be altered on the way. */
export const checkHttpsUrl: ValueCheck<string> = (text): Fault<FaultCode> | undefined => {
  const fault = checkHttpUrl(text);
  if (fault) return fault;
  return text.startsWith("https:")
    ? undefined
    : {
        code: "not-https",
        message: `${quote(text)} is not https, and what comes over http can be altered on the way`,
        remedy: "Serve it over https.",
      };
};

/** Refuses what is not the host of a registry of images, such as `docker.io`. */
export const checkRegistry: ValueCheck<string> = matching(
  /^[a-z0-9][a-z0-9.-]*\.[a-z0-9-]+(:\d{1,5})?$/,
  "invalid-registry",
  "the host of a registry",
  "Write the host alone, such as docker.io or registry.lab.example:5000.",
);

/** Refuses what is not a host, with or without a port. */
export const checkHost: ValueCheck<string> = matching(
  /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/,
  "invalid-host",
  "a host",
  "Write the host alone, such as mirror.lab.example.",
);

/** Refuses what is none of an OCI registry, a repository and a folder. */
export const checkMirrorOfCharts: ValueCheck<string> = (text) => {
  if (/^oci:\/\/[a-z0-9][a-z0-9.:/_-]*$/.test(text)) return undefined;
  return /^[a-z]+:/.test(text) ? checkHttpsUrl(text) : checkFilePath(text);
};
