// Members of the group, wherever they run: what the demonstration does with them.
import { connect } from "@polylog/core";
import { crash } from "@polylog/core/testing";
import { type Names, startMember, type Store } from "./member.ts";

/** A member that cannot finish in this time leaves as it is. */
export const CLOSE_MS = 5_000;

export interface CrewMember {
	readonly name: string;
	/** Resolves when it has ended by itself or by request; rejects if it failed. */
	readonly ended: Promise<void>;
	/** Ends it without goodbye. */
	kill(): Promise<void>;
	/** Lets it finish, commit and leave. */
	stop(): Promise<void>;
}

/** Resolves when the member has joined; calls `onJoining` when it is ready to. */
export type Hire = (name: string, onJoining: () => void) => Promise<CrewMember>;

/** Members in this process, each with a connection of its own. */
export function hireHere(url: string, names: Names, store: Store): Hire {
	return async (name, onJoining) => {
		const broker = await connect({ url, clientId: name });
		onJoining();
		const { ended } = await startMember(name, broker, names, store).catch(async (error: unknown) => {
			await broker.close();
			throw error;
		});
		return { name, ended, kill: async () => crash(broker), stop: () => broker.close({ deadlineMs: CLOSE_MS }) };
	};
}
