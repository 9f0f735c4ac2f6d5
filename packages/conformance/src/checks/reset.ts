// A group is moved from outside: reset persists, and fences whoever owns something.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { rejectsWith } from "../expect.ts";
import { committedAt } from "../settle.ts";
import { until } from "../time.ts";
import { hundred } from "./seek.ts";

export const resetChecks: readonly Check[] = [
	{
		id: "reset.idle",
		promise: "contract point 10: reset of an idle group is persisted, says what it repeats or skips, and a dry run changes nothing",
		async run(ctx) {
			const { recorder, group, partition } = await hundred(ctx);
			const a = await recorder.follow(group);
			await recorder.untilHandled(100);
			await a.close();
			const stood = await committedAt(group, partition);
			const fortieth = a.seen[40]?.offset ?? 0n;
			const dry = await group.reset({ offset: fortieth }, { dryRun: true });
			assert.equal(dry.applied, false);
			assert.equal(await committedAt(group, partition), stood);
			const report = await group.reset({ offset: fortieth }, { partitions: [partition] });
			assert.equal(report.applied, true);
			const [line] = report.partitions;
			assert.deepEqual([line?.from, line?.to, line?.skipped], [stood, fortieth, 0n]);
			assert.ok((line?.repeated ?? 0n) >= 60n, `${line?.repeated} repeated`);
			assert.equal(await committedAt(group, partition), fortieth);
			const b = await recorder.follow(group);
			await until(() => b.seen.length === 60, "60 messages come again");
			assert.equal(b.seen[0]?.value.n, 40);
			await b.close();
			const ahead = await group.reset("latest");
			assert.equal(ahead.partitions[0]?.repeated, 0n);
			await group.reset("earliest");
			const forward = await group.reset({ offset: fortieth }, { dryRun: true });
			assert.ok((forward.partitions[0]?.skipped ?? 0n) >= 40n);
		},
	},
	{
		id: "reset.live",
		promise:
			"contract points 5 and 10: reset under live members is refused with GROUP_ACTIVE; forced, it fences them and they go on from there",
		async run(ctx) {
			const { recorder, group, partition } = await hundred(ctx);
			const operator = ctx.groupNamed(group.name, await ctx.connect(), { name: partition.topic, definition: {} });
			const a = await recorder.follow(group);
			await recorder.untilHandled(100);
			await a.member.commit();
			const stood = await committedAt(group, partition);
			await rejectsWith(operator.reset("earliest"), "GROUP_ACTIVE");
			assert.equal(await committedAt(group, partition), stood);
			const fence = a.seen[0]?.fence ?? 0n;
			const ninetieth = a.seen[90]?.offset ?? 0n;
			const report = await operator.reset({ offset: ninetieth }, { force: true });
			assert.equal(report.applied, true);
			await until(() => a.seen.length === 110, "ten messages come again");
			assert.equal(a.seen[100]?.value.n, 90);
			assert.ok((a.seen[100]?.fence ?? 0n) > fence, "the owner was not fenced");
		},
	},
];
