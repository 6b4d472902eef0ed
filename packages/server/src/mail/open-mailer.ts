import type { Mailer } from '../domain/mail/mail.ts'
import { consoleMailer } from './console-mailer.ts'
import { type SmtpPlace, smtpMailer } from './smtp-mailer.ts'

/** Mail goes where the operator said; in development it is shown by `show`; else there is none. */
export function openMailer(
  { mailPlace, development }: { readonly mailPlace: SmtpPlace | null; readonly development: boolean },
  show: (text: string) => void,
): Mailer | null {
  if (mailPlace !== null) return smtpMailer(mailPlace)
  return development ? consoleMailer(show) : null
}
