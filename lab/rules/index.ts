import { access } from "./access";
import { addresses } from "./addresses";
import { airGap } from "./air-gap";
import { cards } from "./cards";
import { certificates } from "./certificates";
import { charts } from "./charts";
import { claims } from "./claims";
import { downloads } from "./downloads";
import { guests } from "./guests";
import { locks } from "./locks";
import { memory } from "./memory";
import { models } from "./models";
import { releases } from "./releases";
import { scheduling } from "./scheduling";
import { servers } from "./servers";
import { state } from "./state";
import { storage } from "./storage";
import { versions } from "./versions";

/** Every subject that has rules. `docs/problems.md` has a chapter for each. */
export const subjects = [
  guests,
  access,
  addresses,
  claims,
  cards,
  servers,
  downloads,
  versions,
  charts,
  certificates,
  locks,
  scheduling,
  storage,
  releases,
  models,
  memory,
  airGap,
  state,
] as const;
