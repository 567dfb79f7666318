/** The one notifier of all Canaries that name none. Empty texts stand for what is not set. */
export interface GlobalAlertSettings {
  readonly slack: {
    readonly url: string;
    readonly token: string;
    readonly proxy: string;
    readonly user: string;
    /** Without it Slack is off, as in Flagger. */
    readonly channel: string;
  };
  /** Goes before Slack. */
  readonly msteams: { readonly url: string; readonly proxy: string };
}

/** Reads the flags and the variables that win over them; `flag` gives the value of a flag by its name. Source: flagger-spec 8.3. */
export function globalAlertSettings(
  flag: (name: string) => string,
  env: Readonly<Record<string, string | undefined>>,
): GlobalAlertSettings {
  const either = (variable: string, name: string): string => (env[variable] ?? "") || flag(name);
  return {
    slack: {
      url: either("SLACK_URL", "slack-url"),
      token: either("SLACK_TOKEN", "slack-token"),
      proxy: either("SLACK_PROXY_URL", "slack-proxy-url"),
      user: flag("slack-user") || "flagger",
      channel: flag("slack-channel"),
    },
    msteams: {
      url: either("MSTEAMS_URL", "msteams-url"),
      proxy: either("MSTEAMS_PROXY_URL", "msteams-proxy-url"),
    },
  };
}
