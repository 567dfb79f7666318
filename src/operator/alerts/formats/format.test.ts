import { expect, test } from "vitest";
import type { Notice } from "../notice.ts";
import type { Receiver, ReceiverType } from "../receiver.ts";
import { formatAlert } from "./format.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const twoFields = [
  { title: "name1", value: "value1" },
  { title: "name2", value: "value2" },
];

function notice(changes: Partial<Notice> = {}): Notice {
  return {
    id: "1",
    name: "podinfo",
    namespace: "test",
    canaryRef: "podinfo.test",
    cluster: "",
    severity: "info",
    message: "hi",
    reason: "",
    fields: twoFields,
    isTerminal: false,
    revision: "s1",
    commit,
    timeMs: Date.parse("2026-01-01T00:00:00Z"),
    ...changes,
  };
}

function format(type: ReceiverType, changes: Partial<Notice> = {}, receiver: Partial<Receiver> = {}) {
  const common = { key: "test/a", channel: "general", username: "flagger", token: "", proxy: "" };
  return formatAlert(notice(changes), { ...common, type, address: "https://chat.test/hook", ...receiver });
}

test.each([
  ["slack", "good", "danger"],
  ["discord", "good", "danger"],
  ["rocket", "#0076D7", "#FF0000"],
] as const)("formatAlert: %s gets one attachment with a field for each field (pinned 52)", (type, usual, error) => {
  expect(format(type)?.body).toEqual({
    channel: "general",
    username: "flagger",
    icon_url: "",
    icon_emoji: ":rocket:",
    attachments: [
      {
        color: usual,
        author_name: "podinfo.test",
        text: "hi",
        mrkdwn_in: ["text"],
        fields: twoFields.map((field) => ({ ...field, short: false })),
      },
    ],
  });
  expect(format(type, { severity: "error" })?.body).toMatchObject({ attachments: [{ color: error }] });
});

test("formatAlert: the token of Slack goes into a header, and only there", () => {
  expect(format("slack", {}, { token: "xoxb-1" })?.headers).toEqual({ authorization: "Bearer xoxb-1" });
  expect(JSON.stringify(format("slack", {}, { token: "xoxb-1" })?.body)).not.toContain("xoxb");
  expect(format("rocket", {}, { token: "xoxb-1" })?.headers).toBeUndefined();
});

test("formatAlert: Slack cannot be made to call a channel by a text", () => {
  const fields = [{ title: "Why", value: "a & <@U1>" }];
  expect(format("slack", { message: "<!channel>", fields })?.body).toMatchObject({
    attachments: [{ text: "&lt;!channel&gt;", fields: [{ value: "a &amp; &lt;@U1&gt;" }] }],
  });
});

test.each([
  ["https://discord.com/api/webhooks/1/x", "https://discord.com/api/webhooks/1/x/slack"],
  ["https://discord.com/api/webhooks/1/x/", "https://discord.com/api/webhooks/1/x/slack"],
  ["https://discord.com/api/webhooks/1/x/slack", "https://discord.com/api/webhooks/1/x/slack"],
  ["https://discord.com/api/webhooks/1/x?thread_id=2", "https://discord.com/api/webhooks/1/x/slack?thread_id=2"],
])("formatAlert: Discord's address %s becomes %s (pinned 52)", (address, url) => {
  expect(format("discord", {}, { address })?.url).toBe(url);
});

test("formatAlert: a connector of Teams gets a MessageCard with a fact for each field (pinned 52)", () => {
  const facts = twoFields.map(({ title, value }) => ({ name: title, value }));
  expect(format("msteams")?.body).toMatchObject({
    "@type": "MessageCard",
    "@context": "http://schema.org/extensions",
    themeColor: "0076D7",
    sections: [{ activityTitle: "hi", activitySubtitle: "podinfo.test", facts }],
  });
  expect(format("msteams", { severity: "error" })?.body).toMatchObject({ themeColor: "FF0000" });
});

test.each([
  "https://prod-01.westeurope.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sig=b",
  "https://default1.02.environment.api.powerplatform.com/powerautomate/automations/direct/triggers/manual?sig=b",
  "https://proxy.test/workflows/a",
])("formatAlert: a workflow of Teams gets an Adaptive Card: %s", (address) => {
  expect(format("msteams", { severity: "error" }, { address })).toMatchObject({
    url: address,
    body: {
      type: "message",
      attachments: [
        {
          contentType: "application/vnd.microsoft.card.adaptive",
          content: {
            type: "AdaptiveCard",
            body: [
              { type: "TextBlock", text: "hi", color: "Attention" },
              { type: "TextBlock", text: "podinfo.test" },
              { type: "FactSet", facts: twoFields },
            ],
          },
        },
      ],
    },
  });
});

test("formatAlert: Google Chat gets a section for the message and one for each field (pinned 52)", () => {
  const text = (line: string) => ({ widgets: [{ textParagraph: { text: line } }] });
  expect(format("gchat", { message: "a<b" })?.body).toEqual({
    cards: [
      {
        header: { title: "Flagger", subtitle: "podinfo.test", imageUrl: "https://flagger.app/favicon.png" },
        sections: [text("<b>a&lt;b</b>"), text("name1<br><b>value1</b>"), text("name2<br><b>value2</b>")],
      },
    ],
  });
});

test.each([
  ["error", true, "trigger", "error"],
  ["warn", false, "trigger", "warning"],
  ["info", true, "resolve", undefined],
] as const)("formatAlert: PagerDuty gets %s (terminal: %s) as %s", (severity, isTerminal, action, level) => {
  const request = format("pagerduty", { severity, isTerminal, cluster: "eu" }, { token: "key" });
  expect(request?.body).toMatchObject({
    routing_key: "key",
    dedup_key: "serin/test/podinfo/eu",
    event_action: action,
    ...(level === undefined
      ? {}
      : {
          payload: { severity: level, summary: "podinfo.test: hi", source: "eu", custom_details: { name1: "value1" } },
        }),
  });
});

test("formatAlert: PagerDuty is not told of progress, nor GitHub of releases without a commit", () => {
  expect(format("pagerduty")).toBeUndefined();
  const { commit: _, ...without } = notice();
  const receiver = { key: "a", channel: "o/r", username: "", token: "t", proxy: "", address: "https://api.github.com" };
  expect(formatAlert(without, { ...receiver, type: "github" })).toBeUndefined();
});

test.each([
  ["info", false, "pending"],
  ["warn", false, "pending"],
  ["info", true, "success"],
  ["error", true, "failure"],
] as const)("formatAlert: GitHub gets %s (terminal: %s) as %s", (severity, isTerminal, state) => {
  const receiver = { address: "https://api.github.com/", channel: "o/r", token: "t" };
  const request = format("github", { severity, isTerminal, reason: "x".repeat(200) }, receiver);
  expect(request).toMatchObject({
    url: `https://api.github.com/repos/o/r/statuses/${commit}`,
    headers: { authorization: "Bearer t", "user-agent": "serin" },
    body: { state, context: "serin/test/podinfo", description: `hi ${"x".repeat(136)}…` },
  });
});

test("formatAlert: a webhook gets everything by name", () => {
  expect(format("webhook", { reason: "because" }, { token: "t" })).toEqual({
    url: "https://chat.test/hook",
    headers: { authorization: "Bearer t" },
    body: {
      id: "1",
      time: "2026-01-01T00:00:00.000Z",
      cluster: "",
      canary: { name: "podinfo", namespace: "test" },
      revision: "s1",
      commit,
      severity: "info",
      message: "hi",
      reason: "because",
      isTerminal: false,
      fields: twoFields,
    },
  });
});
