// The embedded backend keeps every promise of the contract that can be kept in one process.
import { describeDriver } from "@polylog/conformance";
import { describe, it } from "vitest";
import { memoryAdapter } from "../src/memory/memory-driver.ts";

const start = async () => ({ config: { url: "memory:conformance" } });

describeDriver({ name: "memory", adapter: memoryAdapter, start }, { describe, it });
