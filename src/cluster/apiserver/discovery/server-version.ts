/** The Kubernetes version whose API this server offers. Source: apimachinery `version.Info`. */
export const serverVersion = {
  major: "1",
  minor: "32",
  gitVersion: "v1.32.0+serin",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "none",
  compiler: "none",
  platform: `${process.platform}/${process.arch}`,
};
