// What handlers change outside the log, such as a database: it outlives every process, and every call of it takes time in
// which the caller may be stopped or die. The effect of a call may stay without its caller ever knowing.
import type { Running, SimulatedBroker } from "./world/index.ts";

/** The services as a handler sees them: each method answers later. */
export type Remote<S> = {
	readonly [K in keyof S as S[K] extends (...args: never[]) => unknown ? K : never]: S[K] extends (...args: infer A) => infer R
		? (...args: A) => Promise<Awaited<R>>
		: never;
};

export interface ServiceEvents {
	note(text: string): void;
	/** A call took effect. */
	called(): void;
}

export function remote<S extends object>(services: S, running: Running, broker: SimulatedBroker, events: ServiceEvents): Remote<S> {
	const call = async (name: string, method: (...args: unknown[]) => unknown, args: unknown[]): Promise<unknown> => {
		const { process } = running;
		const answer = Promise.withResolvers<unknown>();
		const act = async () => {
			let back: () => void;
			try {
				const result = await method.apply(services, args);
				events.note(`  ${name}(${args.map(show).join(", ")}) of ${running.name} took effect`);
				back = () => answer.resolve(result);
			} catch (error) {
				events.note(
					`  ${name}(${args.map(show).join(", ")}) of ${running.name} was refused: ${error instanceof Error ? error.message : show(error)}`,
				);
				back = () => answer.reject(error);
			}
			events.called();
			broker.time.after(latency(broker), () => process.run(back));
		};
		broker.time.after(latency(broker), () => void act());
		return answer.promise;
	};
	return new Proxy({} as Remote<S>, {
		get: (_, name) => {
			const method = (services as Readonly<Record<PropertyKey, unknown>>)[name];
			if (typeof method !== "function") return undefined;
			return (...args: unknown[]) => call(String(name), method as (...args: unknown[]) => unknown, args);
		},
	});
}

function latency({ random }: SimulatedBroker): number {
	return random.chance(0.05) ? random.between(50, 500) : random.between(0.5, 5);
}

function show(value: unknown): string {
	if (typeof value === "bigint") return `${value}n`;
	return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? `${inner}n` : inner)) ?? String(value);
}
