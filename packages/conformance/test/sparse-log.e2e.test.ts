// A log with gaps between all of its offsets passes the whole kit: no check takes offsets to be dense.
import { describeDriver } from "@polylog/conformance";
import { describe, it } from "vitest";
import { sparseAdapter } from "./sparse-log.ts";

const adapter = { ...sparseAdapter, schemes: ["sparse"] };
const start = async () => ({ config: { url: "sparse:conformance", adapters: { sparse: adapter } } });

describeDriver({ name: "sparse", adapter, start }, { describe, it });
