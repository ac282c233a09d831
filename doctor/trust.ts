import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";

/** By the certificates that are trusted besides the public ones. */
const contexts = new Map<string, SecureContext>();

/**
 * Trust in the public certificates and in these. Reading the public ones takes a processor 20 ms, and a doctor asks many questions.
 * @param ca certificates in PEM
 * @throws Error for text that is no certificate
 */
export function trusting(ca: string): SecureContext {
  const context = contexts.get(ca) ?? createSecureContext({ ca: [...rootCertificates, ca] });
  contexts.set(ca, context);
  return context;
}
