// Looking at groups: DescribeGroups 4, ListGroups 2, DeleteGroups 1.
import type { WireRequest } from "../wire.ts";

export interface DescribedGroup {
	readonly errorCode: number;
	readonly group: string;
	readonly state: string;
	readonly protocolType: string;
	readonly members: readonly {
		readonly id: string;
		readonly instanceId: string | undefined;
		readonly clientId: string;
		readonly metadata: Buffer;
		readonly assignment: Buffer;
	}[];
}

export function describeGroupRequest(name: string): WireRequest<DescribedGroup | undefined> {
	return {
		name: "DescribeGroups",
		apiKey: 15,
		version: 4,
		write: (to) => to.array([name], (group) => to.string(group)).boolean(false),
		read(from) {
			from.int32();
			const [found] = from.array((): DescribedGroup => {
				const head = { errorCode: from.int16(), group: from.string(), state: from.string(), protocolType: from.string() };
				from.string();
				const members = from.array(() => {
					const who = { id: from.string(), instanceId: from.nullableString(), clientId: from.string() };
					from.string();
					return { ...who, metadata: from.bytes(), assignment: from.bytes() };
				});
				from.int32();
				return { ...head, members };
			});
			return found;
		},
	};
}

export interface ListedGroups {
	readonly errorCode: number;
	readonly groups: readonly { readonly group: string; readonly protocolType: string }[];
}

/** Those that the broker asked coordinates. */
export function listGroupsRequest(): WireRequest<ListedGroups> {
	return {
		name: "ListGroups",
		apiKey: 16,
		version: 2,
		write() {},
		read(from) {
			from.int32();
			return { errorCode: from.int16(), groups: from.array(() => ({ group: from.string(), protocolType: from.string() })) };
		},
	};
}

/** Resolves to the error code. */
export function deleteGroupRequest(name: string): WireRequest<number> {
	return {
		name: "DeleteGroups",
		apiKey: 42,
		version: 1,
		write: (to) => to.array([name], (group) => to.string(group)),
		read(from) {
			from.int32();
			const [errorCode = 0] = from.array(() => {
				from.string();
				return from.int16();
			});
			return errorCode;
		},
	};
}
