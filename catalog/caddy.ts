/** The Caddy that Ansible installs where the distribution has none that will do (github.com/caddyserver/caddy/releases). */
export const CADDY_VERSION = "2.11.2";

/**
 * SHA-512 of the archives `caddy_VERSION_linux_ARCHITECTURE.tar.gz` of `CADDY_VERSION`, as the release's checksums and the official image
 * state them (github.com/caddyserver/caddy-docker, 2.11/alpine/Dockerfile).
 */
export const CADDY_SHA512 = {
  amd64:
    "2513b289054386b76642a9e8bfc10d217df2b5361e4cdd0c72672b0eeab57ae737d57466eb70f1a44233cbcc697ecf21de88137ca45ef4b64f150a32b58f5f14",
  arm64:
    "630d1e096e3c9594fd2f4f7129356ee5d6c7e53d0ca1b9a0c7486612c6d752ff355c96738c7a28c60367a5f1da4b51afca731bb745fb0b97cda4c811214cdc48",
} as const;

/**
 * The oldest Caddy of a distribution that will do: Debian 12 and Ubuntu 24.04 have it (packages.debian.org, packages.ubuntu.com). Ubuntu 22.04
 * has none.
 */
export const CADDY_OLDEST = "2.6.2";

/** Host that publishes Caddy's archives; the role https_door knows the path below it. */
export const CADDY_ARCHIVE_HOST = "github.com";

/** The port of HTTPS, which a certificate authority that checks by TLS-ALPN-01 asks at (RFC 8737). */
export const HTTPS_PORT = 443;

/** Who logs in at a door by user and password; the password is the door's token. */
export const DOOR_USER = "ollama";
