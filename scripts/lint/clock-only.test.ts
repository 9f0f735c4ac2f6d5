import { RuleTester } from "oxlint/plugins-dev";
import { describe, it } from "vitest";
import { clockOnly } from "./clock-only.ts";

RuleTester.describe = describe;
RuleTester.it = it;

const forbidden = [
	"Date.now();",
	"new Date();",
	"Date();",
	'Date["now"]();',
	"const { now } = Date;",
	"const D = Date; D.now();",
	"performance.now();",
	"setTimeout(() => {}, 1);",
	"setInterval(() => {}, 1);",
	"setImmediate(() => {});",
	"globalThis.setTimeout(() => {}, 1);",
	"globalThis.Date.now();",
	"const { setTimeout: later } = globalThis;",
	"Math.random();",
	"const { random } = Math;",
	"AbortSignal.timeout(5);",
	"process.hrtime.bigint();",
	"process.uptime();",
	"crypto.randomUUID();",
	'import { setTimeout } from "node:timers/promises";',
	'import * as timers from "timers";',
	'export { setTimeout } from "node:timers";',
	'await import("node:timers/promises");',
	'import { performance } from "node:perf_hooks";',
	'import { randomUUID } from "node:crypto";',
	'import crypto from "node:crypto";',
];

const allowed = [
	"new Date(0);",
	"export const parsed = Date.parse('2026-01-01');",
	"export const isDate = (value: unknown) => value instanceof Date;",
	"export interface Stamped { readonly timestamp: Date }",
	"export type Timer = ReturnType<typeof setTimeout>;",
	"Math.floor(1.5);",
	"export const run = (setTimeout: () => void) => setTimeout();",
	"clearTimeout(undefined);",
	"queueMicrotask(() => {});",
	"AbortSignal.any([]);",
	"process.env.HOME;",
	"globalThis.structuredClone({});",
	'import { createHash } from "node:crypto";',
	'import type { KeyObject } from "node:crypto";',
];

new RuleTester({ languageOptions: { parserOptions: { lang: "ts" } } }).run("clock-only", clockOnly, {
	valid: allowed,
	invalid: forbidden.map((code) => ({ code, errors: 1 })),
});
