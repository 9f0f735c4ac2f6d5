// A process whose core may be a mutant (scripts/source-mutation.ts): runs the checks named on the embedded backend, and
// tells their results.
import { harnessOf, runChecks } from "@polylog/conformance";

const { results } = await runChecks(await harnessOf({ url: "memory:mutant" }), { only: process.argv.slice(2) });
process.stdout.write(JSON.stringify(results.map(({ id, promise, status, reason }) => ({ id, promise, status, reason }))));
// A mutant may leave something running.
process.exit();
