// What a backend acknowledged and has not any more, where it may lose that: taken out of a history, so that the rest of it
// is judged as strictly as any other.
import type { HistoryEvent, ViolationKey } from "@polylog/conformance";

/**
 * Commits and grants are records too: where the end of a log is lost, the group's place may be, and an ownership that
 * somebody has begun to use. Nothing else is excused.
 */
export const EXCUSED_BY_LOSS: readonly ViolationKey[] = [
	"ack-lied",
	"commit-regression",
	"reset-without-policy",
	"double-owner",
	"stale-commit-accepted",
];

/** Acknowledged, and not among what the reader was given from the start. */
export function lostIn(history: readonly HistoryEvent[], reader: string): ReadonlySet<string> {
	const found = new Set(history.flatMap((event) => (event.kind === "started" && event.group === reader ? [event.id] : [])));
	return new Set(history.flatMap((event) => (event.kind === "sent" && event.status === "ok" && !found.has(event.id) ? [event.id] : [])));
}

/** As if these had never been sent: their places may have been given to others. */
export function withoutMessages(history: readonly HistoryEvent[], ids: ReadonlySet<string>): HistoryEvent[] {
	const handled = new Set<string>();
	const handling = ({ member, partition, offset, fence }: { member: string; partition: string; offset: bigint; fence: bigint }) =>
		`${member} ${partition}@${offset}#${fence}`;
	return history.filter((event) => {
		if (event.kind === "sent") return !ids.has(event.id);
		if (event.kind === "started") {
			if (ids.has(event.id)) handled.add(handling(event));
			else handled.delete(handling(event));
			return !ids.has(event.id);
		}
		return (event.kind !== "finished" && event.kind !== "failed") || !handled.has(handling(event));
	});
}
