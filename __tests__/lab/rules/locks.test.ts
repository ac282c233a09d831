import { gpuLab } from "../../../testing/lab";
import { accepted, locked, RELEASE, refused, release, twoReleases, warned } from "./rejected";

const auth = { secretName: "ollama-users" };

refused(gpuLab, [
  {
    fact: "a password for a release without a host",
    lab: release({ auth }),
    code: "auth-without-host",
    path: `${RELEASE}.auth`,
    names: ["ollama", "ollama-users", "no host"],
  },
  {
    fact: "the Secret of the host's own certificate for its users",
    lab: release({ host: "ollama.home.example", auth: { secretName: "ollama-tls" } }),
    code: "secret-taken",
    path: `${RELEASE}.auth.secretName`,
    names: ["ollama-tls", "ollama.home.example"],
  },
  {
    fact: "the Secret of another host's certificate for the users",
    lab: {
      ollama: {
        releases: {
          ollama: { host: "ollama.home.example", auth: { secretName: "second-tls" } },
          second: { ...locked("second.home.example"), models: ["mistral"] },
        },
      },
    },
    code: "secret-taken",
    path: `${RELEASE}.auth.secretName`,
    names: ["second-tls", "second.home.example"],
  },
  {
    fact: "a name that is none for a Secret",
    lab: release({ host: "ollama.home.example", auth: { secretName: "Ollama Users" } }),
    code: "invalid-kubernetes-name",
    path: `${RELEASE}.auth.secretName`,
    names: ["Ollama Users"],
  },
]);

warned(gpuLab, [
  {
    fact: "a host without a password and without a list of networks",
    lab: release({ host: "ollama.home.example" }),
    code: "no-lock",
    stacks: ["ollama"],
    path: `${RELEASE}.host`,
    names: ["ollama.home.example", "neither auth nor allowFrom"],
  },
]);

accepted(gpuLab, [
  ["a host with a password", release(locked("ollama.home.example"))],
  ["a host with a list of networks", release({ host: "ollama.home.example", allowFrom: ["192.0.2.0/24"] })],
  ["a host with both", release({ ...locked("ollama.home.example"), allowFrom: ["192.0.2.0/24"] })],
  ["a second release with no host", twoReleases({ models: ["mistral"] })],
]);
