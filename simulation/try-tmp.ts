import { makePlan } from "@polylog/testing/world";
import { runPlan } from "./run-seed.ts";
const from = Number(process.argv[2] ?? 1), n = Number(process.argv[3] ?? 20);
const losses = Number(process.argv[4] ?? 0);
const t=process.cpuUsage(); let v=0, ev=0, en=0, d=0; const bad: Record<string, number[]> = {};
for (let s=from;s<from+n;s++){ const r = await runPlan(makePlan(s,{losses})); v+=r.virtualMs; ev+=r.events; en+=r.entries; d+=r.dispatches;
 for (const x of r.violations) { (bad[x.invariant] ??= []).push(s); if (n<=3) console.log(x); }
 if (n===1) console.log(r.trace.join("\n")); }
const u=process.cpuUsage(t); console.log({cpuMsPerSeed: (u.user+u.system)/1000/n, virtualS: v/n/1000, events: ev/n, entries: en/n, dispatches: d/n}); console.log(bad);
