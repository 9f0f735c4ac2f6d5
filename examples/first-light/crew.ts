// Members of the group, wherever they run: what the demonstration does with them.
import { connect } from "@polylog/core";
import { crash } from "@polylog/core/testing";
import { type Names, startMember, type Store } from "./member.ts";

export interface CrewMember {
	readonly name: string;
	/** Resolves when it has ended by itself or by request; rejects if it failed. */
	readonly ended: Promise<void>;
	/** Ends it without goodbye. */
	kill(): Promise<void>;
	/** Lets it finish, commit and leave. */
	stop(): Promise<void>;
}

/** Resolves when the member has joined. */
export type Hire = (name: string) => Promise<CrewMember>;

/** Members in this process, each with a connection of its own. */
export function hireHere(url: string, names: Names, store: Store): Hire {
	return async (name) => {
		const broker = await connect({ url, clientId: name });
		const { ended } = await startMember(name, broker, names, store).catch(async (error: unknown) => {
			await broker.close();
			throw error;
		});
		return { name, ended, kill: async () => crash(broker), stop: () => broker.close() };
	};
}
