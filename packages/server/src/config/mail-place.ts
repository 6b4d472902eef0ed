/** Where mail goes out: one URL, as SMTP servers are commonly written down. It holds a password, so it is never printed. */

import { emailKey } from '../domain/user/email-key.ts'
import { type Unprintable, unprintable } from '../domain/keys/unprintable.ts'

export interface MailPlace extends Unprintable {
  readonly url: string
  /** The sender's address. */
  readonly from: string
}

export function mailPlace(url: string, from: string): MailPlace {
  return { url, from, ...unprintable }
}

/** Why this is no place for mail, or null. */
export function judgeMail(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') || url.hostname === '') {
    return 'mail is written smtps://USER:PASSWORD@HOST, or smtp://USER:PASSWORD@HOST:587 for STARTTLS'
  }
  if (url.pathname !== '' && url.pathname !== '/') return 'a mail server is named without a path'
  return url.search === '' && url.hash === '' ? null : 'a mail server is named without parameters'
}

/** Why this is no sender's address, or null. */
export function judgeSender(text: string): string | null {
  return emailKey(text) === null ? 'the sender of mail is an e-mail address' : null
}

/** For people: never the password. */
export function shownMail(text: string): string {
  return text.replace(/^(smtps?:\/\/[^:@/]*):[^@]*@/, '$1:***@')
}

export function hasMailPassword(text: string): boolean {
  return shownMail(text) !== text
}
