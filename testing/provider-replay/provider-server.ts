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
import { providerSchemaResponse } from "./protocol-schema";
import { type Call, providerCalls, type Request } from "./provider";
import type { ProviderSnapshot } from "./snapshot";
import type { World } from "./world";

/** A provider with its service, loaded once and shared by every world. */
export interface LoadedProvider {
  snapshot: ProviderSnapshot;
  service: ServiceDefinition;
}

const definition = loadPackageDefinition(
  loadSync(join(__dirname, "tfplugin6.proto"), { keepCase: true, longs: Number, enums: Number, defaults: true, oneofs: true }),
) as unknown as { tfplugin6: { Provider: ServiceClientConstructor } };

/** The limit of a message. gRPC's default of 4 MiB is too near to the size of the kubernetes schema. */
const UNLIMITED = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

const ERROR = 1;

/** Kinds whose schema has that of a pod in it. This project makes them with charts, never with Terraform. */
const WITH_POD = /^kubernetes_(cron_?job|daemon_?set|deployment|job|pod|replication_controller|stateful_set)(_v1)?$/;

/** Leaves them out. They are three quarters of the kubernetes schema. Every run of Terraform reads the whole schema, and would take a third longer. */
function withoutPods(snapshot: ProviderSnapshot): ProviderSnapshot {
  const without = <T>(schemas: Record<string, T>) =>
    Object.fromEntries(Object.entries(schemas).filter(([type]) => !WITH_POD.test(type)));
  return { ...snapshot, resources: without(snapshot.resources), dataSources: without(snapshot.dataSources) };
}

/** Encodes the schema once. It is by far the largest message, and every run of Terraform asks for it. */
export function loadProvider(snapshot: ProviderSnapshot): LoadedProvider {
  const { service } = definition.tfplugin6.Provider;
  const getSchema = service["GetProviderSchema"];
  if (getSchema === undefined) {
    throw new Error("tfplugin6.proto declares no GetProviderSchema");
  }
  const encoded = getSchema.responseSerialize(providerSchemaResponse(withoutPods(snapshot)));
  return { snapshot, service: { ...service, GetProviderSchema: { ...getSchema, responseSerialize: () => encoded } } };
}

/** Starts serving `provider` for `world` on the socket, which must not exist yet. */
export async function serveProvider({ snapshot, service }: LoadedProvider, world: World, socket: string): Promise<void> {
  const server = new Server(UNLIMITED);
  const calls: Record<string, Call> = { ...providerCalls(snapshot, world), GetProviderSchema: () => ({}) };
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
