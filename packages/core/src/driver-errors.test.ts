import { inspect } from "node:util";
import { expect, test } from "vitest";
import { wrapDriverError } from "./driver-errors.ts";
import type { ErrorCode } from "./errors.ts";
import { PolylogError } from "./errors.ts";
import { Secret } from "./secret.ts";

const PASSWORD = "p@ss/word";
const SECRETS = [new Secret(PASSWORD)];

function driver(code: ErrorCode = "CONNECTION_LOST", retryable?: boolean) {
	return { name: "test", classify: () => (retryable === undefined ? { code } : { code, retryable }) };
}

test("the error says what was tried, what the client said, and the remedy", () => {
	const error = wrapDriverError(
		driver(),
		new Error("ECONNREFUSED 127.0.0.1:6379"),
		"appending to orders/3 on redis://127.0.0.1",
		{ topic: "orders", partition: 3 },
		[],
	);
	expect(error).toMatchObject({ code: "CONNECTION_LOST", retryable: true, context: { topic: "orders", partition: 3 } });
	expect(error.message).toContain("appending to orders/3 on redis://127.0.0.1 failed: ECONNREFUSED 127.0.0.1:6379");
	expect(error.message).toContain("Check that the broker runs");
});

test("a PolylogError is left alone", () => {
	const own = new PolylogError("FENCED", "moved on");
	expect(wrapDriverError(driver(), own, "anything", {}, SECRETS)).toBe(own);
});

test("the adapter's word on retrying wins over the code's", () => {
	expect(wrapDriverError(driver("TIMEOUT", false), new Error("x"), "doing", {}, []).retryable).toBe(false);
	expect(wrapDriverError(driver("TIMEOUT"), new Error("x"), "doing", {}, []).retryable).toBe(true);
});

test("no form of a secret survives: in the message, the stack, the causes, or the client's own fields", () => {
	const forms = [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(PASSWORD).toString("base64")];
	const root = new Error(`AUTH ${forms[1]}`);
	const middle = Object.assign(new Error(`login ${forms[2]}`, { cause: root }), { command: { name: "auth", args: [PASSWORD] } });
	const outer = new AggregateError([middle, new Error(forms[0])]);
	for (const thrown of [
		root,
		middle,
		outer,
		new Error("outer", { cause: middle }),
		forms[0],
		new Error("x", { cause: `text ${forms[0]}` }),
	]) {
		const printed = inspect(wrapDriverError(driver(), thrown, `connecting to redis://u:${forms[1]}@h`, {}, SECRETS), {
			depth: 12,
			showHidden: true,
		});
		for (const form of forms) expect(printed).not.toContain(form);
		expect(printed).toContain("[redacted]");
	}
});

test("the copy of the client's error keeps its name, code and causes", () => {
	const client = Object.assign(new TypeError("outer", { cause: new Error("inner") }), { code: "ECONNRESET", errno: -104 });
	expect(wrapDriverError(driver(), client, "doing", {}, SECRETS).cause).toMatchObject({
		name: "TypeError",
		message: "outer",
		code: "ECONNRESET",
		errno: -104,
		cause: { message: "inner" },
	});
});

test("a cause that refers to itself ends", () => {
	const loop = new Error("loop");
	loop.cause = loop;
	expect(wrapDriverError(driver(), loop, "doing", {}, []).message).toContain("loop");
});

test("an adapter whose classify throws or invents a code hides nothing", () => {
	const broken = {
		name: "broken",
		classify: () => {
			throw new Error("bug");
		},
	};
	expect(wrapDriverError(broken, new Error("original"), "doing", {}, [])).toMatchObject({ code: "UNKNOWN" });
	expect(wrapDriverError(driver("NO_SUCH" as ErrorCode), new Error("original"), "doing", {}, []).message).toContain("original");
});

test.each([undefined, null, 5, {}])("%s thrown is wrapped too", (thrown) => {
	expect(wrapDriverError(driver(), thrown, "doing", {}, SECRETS).message).toContain("doing failed: a thrown");
});
