import type { Finding } from "../../finding";
import { addresses } from "./addresses";
import { cards } from "./cards";
import type { Check, Examined } from "./check";
import { datacenter } from "./datacenter";
import { deployed } from "./deployed";
import { guests } from "./guests";
import { network } from "./network";
import { nodes } from "./nodes";
import { rights } from "./rights";
import { storages } from "./storages";

/** In the order in which a person mends things. */
const CHECKS: readonly Check[] = [rights, nodes, storages, network, guests, addresses, cards, datacenter, deployed];

/** Everything that the checks find. Pure. */
export function findingsIn(examined: Examined): Finding[] {
  return CHECKS.flatMap((check) => [...check(examined)]);
}
