// A gRPC server for one replayed provider on one unix socket.
import { join } from "node:path";
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type ServiceDefinition,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { schemaParts } from "./protocol-schema";
import { type Call, providerCalls, type Request } from "./provider";
import type { ProviderSnapshot } from "./snapshot";
import type { World } from "./world";

/** A provider with its service, loaded once and shared by every world. */
export interface LoadedProvider {
  snapshot: ProviderSnapshot;
  service: ServiceDefinition;
  /** The encoded answer to GetProviderSchema with these types alone. Without a list: with all types. */
  schemaOf(types?: ReadonlySet<string>): Buffer;
}

const definition = loadPackageDefinition(
  loadSync(join(__dirname, "tfplugin6.proto"), { keepCase: true, longs: Number, enums: Number, defaults: true, oneofs: true }),
) as unknown as { tfplugin6: { Provider: ServiceClientConstructor } };

/** The limit of a message. gRPC's default of 4 MiB is too near to the size of the kubernetes schema. */
const UNLIMITED = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

const ERROR = 1;

/**
 * Encodes each type once, when Terraform first asks for it. The schema is by far the largest message, every run of Terraform asks for it, and
 * with the types that its configuration names alone a small run takes half the time.
 */
export function loadProvider(snapshot: ProviderSnapshot): LoadedProvider {
  const { service } = definition.tfplugin6.Provider;
  const getSchema = service["GetProviderSchema"];
  if (getSchema === undefined) {
    throw new Error("tfplugin6.proto declares no GetProviderSchema");
  }
  const { ofProvider, ofTypes } = schemaParts(snapshot);
  const encodedOnce = (part: () => object) => {
    let encoded: Buffer | undefined;
    return () => {
      encoded ??= getSchema.responseSerialize(part());
      return encoded;
    };
  };
  const provider = encodedOnce(() => ofProvider);
  const parts = ofTypes.map(([type, part]) => [type, encodedOnce(part)] as const);
  return {
    snapshot,
    service: { ...service, GetProviderSchema: { ...getSchema, responseSerialize: (encoded) => encoded } },
    schemaOf: (types) =>
      Buffer.concat([provider(), ...parts.filter(([type]) => types?.has(type) ?? true).map(([, encoded]) => encoded())]),
  };
}

/** Starts serving `provider` for `world` on the socket, which must not exist yet. */
export async function serveProvider(
  { snapshot, service, schemaOf }: LoadedProvider,
  world: World,
  socket: string,
): Promise<void> {
  const server = new Server(UNLIMITED);
  const calls: Record<string, Call> = {
    ...providerCalls(snapshot, world),
    GetProviderSchema: () => schemaOf(world.types()),
  };
  server.addService(
    service,
    Object.fromEntries(
      Object.entries(calls).map(([name, answer]) => [
        name,
        ({ request }: ServerUnaryCall<Request, object>, reply: sendUnaryData<object>) => {
          try {
            reply(null, answer(request));
          } catch (error) {
            const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
            reply(null, { diagnostics: [{ severity: ERROR, summary: `The provider replay failed in ${name}`, detail }] });
          }
        },
      ]),
    ),
  );
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
}
