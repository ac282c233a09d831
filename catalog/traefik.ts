/** The API group of Traefik's own objects, from Traefik 2.10 on (doc.traefik.io/traefik/migrate/v2). */
export const TRAEFIK_API_GROUP = "traefik.io";

/** The same with its version, as objects name it. */
export const TRAEFIK_API = `${TRAEFIK_API_GROUP}/v1alpha1`;

/** The first Traefik that serves `TRAEFIK_API` (same page). */
export const TRAEFIK_API_VERSION = "2.10";

/** The first Kubernetes minor version whose K3s brings `TRAEFIK_API_VERSION` or later (docs.k3s.io/release-notes/v1.28.X). */
export const TRAEFIK_API_MINOR = 28;

/** The first Traefik that has the middleware ipAllowList (doc.traefik.io/traefik/migrate/v2). */
export const ALLOW_LIST_VERSION = "2.11";

/** The first K3s that is known to bring `ALLOW_LIST_VERSION`: it has Traefik 2.11.8 (docs.k3s.io/release-notes/v1.30.X). */
export const ALLOW_LIST_K3S = "v1.30.5+k3s1";

/** The first Kubernetes minor version whose K3s brings Traefik 3 (docs.k3s.io/networking/networking-services). */
export const TRAEFIK_3_MINOR = 32;
