import * as addresses from "./addresses";
import * as airGap from "./air-gap";
import * as claims from "./claims";
import * as cluster from "./cluster";
import * as containers from "./containers";
import * as kubernetes from "./kubernetes";
import * as ollama from "./ollama";
import * as proxmox from "./proxmox";
import type { Rule } from "./rule";
import * as state from "./state";

/** Every rule of the lab. */
export const rules: readonly Rule[] = [
  containers.somethingToDo,
  claims.uniqueClaims,
  addresses.containerAddresses,
  addresses.reachable,
  proxmox.sectionsOfGuests,
  proxmox.knownNodes,
  proxmox.rootOnlyFeatures,
  proxmox.knownCards,
  proxmox.insecureEndpoint,
  containers.noRepetition,
  containers.guestNames,
  containers.modelsFit,
  containers.modelVolumePath,
  containers.archiveChecksum,
  containers.templates,
  containers.oneFileOneDownload,
  containers.configurable,
  ...Object.values(airGap),
  ...Object.values(cluster),
  ...Object.values(kubernetes),
  ...Object.values(ollama),
  state.oneStateEach,
  state.noCredentials,
];
