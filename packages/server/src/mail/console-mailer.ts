/** In development nobody delivers mail: it is shown where the developer looks, on the console and on a page. */

import type { Mail, Mailer } from '../domain/mail/mail.ts'

export const recentMailsMax = 20

export function consoleMailer(write: (text: string) => void): Mailer {
  let recent: readonly Mail[] = []
  return {
    send: async mail => {
      recent = [mail, ...recent].slice(0, recentMailsMax)
      write(`\n--- mail to ${oneLine(mail.to)}: ${oneLine(mail.subject)}\n${mail.text}\n---\n`)
    },
    keepsRecent: true,
    recent: () => recent,
  }
}

/** An address may hold what a terminal obeys. */
function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
