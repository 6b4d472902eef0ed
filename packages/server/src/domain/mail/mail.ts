/** Mail to people: links to choose a password, and word of what happened to their account. Plain text, no tracking. */

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

export interface Mailer {
  /** Resolves once somebody else answers for the message. Rejects where nobody took it; the message is gone then. */
  readonly send: (mail: Mail) => Promise<void>
  /** True in development, where mail is shown and not sent. */
  readonly keepsRecent: boolean
  /** What was shown lately, the newest first; empty where mail is sent. */
  readonly recent: () => readonly Mail[]
}
