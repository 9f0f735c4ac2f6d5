// A loop over a member's messages that does nothing with them: the recorder sees them.
import type { Member } from "@polylog/core";
import type { Item } from "../recorder.ts";

/** Until the member closes, or by `break` with message number `most` in hand. */
export async function looping(member: Member<Item>, most = Number.POSITIVE_INFINITY): Promise<void> {
	let count = 0;
	for await (const _ of member) if (++count === most) break;
}
