/**
 * Mail by SMTP (RFC 5321). Over a network the line is always encrypted and the server's certificate verified: links to
 * choose a password go over it.
 */

import type { Transporter } from 'nodemailer'
import type { Mail, Mailer } from '../domain/mail/mail.ts'

export interface SmtpPlace {
  /** `smtp://` (STARTTLS) or `smtps://`, with user and password where the server asks for them. */
  readonly url: string
  /** The sender's address. */
  readonly from: string
}

/** What a mail server may take for each step of a delivery. */
const stepMsMax = 20_000
/** Messages on their way at a time: a mail server that hangs must not hold up everything else that happens unasked. */
export const mailsUnderWayMax = 64

export function smtpMailer(place: SmtpPlace): Mailer {
  let opening: Promise<Transporter> | null = null
  let underWay = 0

  async function handOver({ to, subject, text }: Mail): Promise<void> {
    opening ??= openTransport(place)
    const transport = await opening
    // As an object, an address is taken as it is; as text it would be parsed as a list of them.
    await transport.sendMail({ from: place.from, to: { name: '', address: to }, subject, text })
  }

  return {
    send: async mail => {
      if (underWay >= mailsUnderWayMax) throw new Error(`${mailsUnderWayMax} mails are under way already`)
      underWay += 1
      try {
        await handOver(mail)
      } finally {
        underWay -= 1
      }
    },
    keepsRecent: false,
    recent: () => [],
  }
}

/** The library is loaded with the first mail: a server that sends none does not carry it. */
async function openTransport(place: SmtpPlace): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  return createTransport(transportOptions(place.url))
}

/** How the mail server is spoken to: encrypted, unless it is on this very machine. */
export function transportOptions(place: string) {
  const url = new URL(place)
  const isImplicit = url.protocol === 'smtps:'
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isImplicit ? 465 : 587) : Number(url.port),
    secure: isImplicit,
    requireTLS: !isImplicit && !isLoopback,
    ignoreTLS: !isImplicit && isLoopback,
    ...(url.username === '' ? {} : { auth: { user: decoded(url.username), pass: decoded(url.password) } }),
    connectionTimeout: stepMsMax,
    greetingTimeout: stepMsMax,
    socketTimeout: stepMsMax,
    // A mail is text of ours: nothing of it names a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

function decoded(part: string): string {
  return decodeURIComponent(part)
}
