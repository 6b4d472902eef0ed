/**
 * A forgotten password, and an account for somebody new, both by a link in a mail. The answer to whoever asks is always
 * the same, and what differs happens after it: who has an account here is nobody's business (LG-03).
 */

import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import type { Mail } from '../../domain/mail/mail.ts'
import { networkOf } from '../../domain/throttle/network.ts'
import { addUser, setPassword, type UserAdded } from '../../domain/user/accounts.ts'
import { emailKey } from '../../domain/user/email-key.ts'
import { type PasswordFault, tooBusyRetrySeconds } from '../../domain/user/password.ts'
import {
  isStillDue,
  type Link,
  mayMail,
  openLink,
  resetLink,
  sealLink,
  signUpLink,
} from '../../domain/user/password-mail.ts'
import type { User } from '../../domain/user/user.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { accountExistsMail, newAccountMail, resetMail } from './mails.ts'
import { tellOfChange } from './tell-owner.ts'

/** Where the links in mails lead. */
export const choosePasswordPath = '/password'

export interface MailRequest {
  readonly email: string
  /** The device cookie as it came, or null. */
  readonly deviceSecret: string | null
  readonly caller: Caller
  /** What the person came for: what they get depends on whether there is an account. */
  readonly wants: 'password' | 'account'
}

/**
 * Resolves at once, and tells nothing, by answer or by time; the mail goes out afterwards, if there is one to go. What is
 * written about it is written when it is on its way, which is no moment that whoever asked could wait for.
 */
export async function askForMail(server: AuthorizationServer, asked: MailRequest): Promise<void> {
  const { deviceSecret, caller, wants } = asked
  const email = asked.email.trim()
  const key = emailKey(email)
  const accountKey = key ?? ` ${email}`
  const network = networkOf(caller.address)
  const isWithin = await mayMail(server.store.throttles, server.hasher, { accountKey, network, deviceSecret })
  const user = (await server.store.users.readByEmailKey(accountKey))?.user ?? null
  if (isWithin) server.background.run(() => sendMail(server, { user, email: key, wants, caller }))
}

interface Sending {
  /** Who has the account; null where nobody has. */
  readonly user: User | null
  /** The one address that is proved by reading what goes there, however it was typed; null for what is none. */
  readonly email: string | null
  readonly wants: MailRequest['wants']
  readonly caller: Caller
}

async function sendMail(server: AuthorizationServer, sending: Sending): Promise<void> {
  const nowMs = await server.store.now()
  const mail = mailFor(server, sending, nowMs)
  if (mail === null || server.mailer === null) return
  await server.mailer.send(mail)
  const { user, caller } = sending
  if (user === null) return
  const event = newEvent('password_mail_sent', { subject: user.subject, caller, atMs: nowMs }, server.entropy)
  await server.store.events.record([event])
}

function mailFor(server: AuthorizationServer, { user, email, wants }: Sending, nowMs: number): Mail | null {
  const { issuer } = server
  if (user === null) {
    if (email === null || wants === 'password' || !server.rules.signUp) return null
    return newAccountMail({ to: email, issuer, href: hrefOf(server, signUpLink(email, nowMs)) })
  }
  if (user.disabled) return null
  const href = hrefOf(server, resetLink(server.hasher, user, nowMs))
  // To the address as it is kept: what was typed may only read like it.
  const to = user.email
  return wants === 'account' ? accountExistsMail({ to, issuer, href }) : resetMail({ to, issuer, href })
}

function hrefOf(server: AuthorizationServer, link: Link): string {
  const query = new URLSearchParams({ token: sealLink(server.sealer, link) })
  return `${server.issuer}${choosePasswordPath}?${query.toString()}`
}

/** What a link is for, to show on its page; null for one that is no good any more. Using it changes nothing yet. */
export async function readLink(server: AuthorizationServer, token: string): Promise<{ readonly email: string } | null> {
  const link = openLink(server.sealer, token, await server.store.now())
  if (link === null) return null
  if (link.kind === 'sign_up') {
    const taken = await server.store.users.readByEmailKey(emailKey(link.email) ?? '')
    return taken === null && server.rules.signUp ? { email: link.email } : null
  }
  const reading = await server.store.users.read(link.subject)
  return reading !== null && isStillDue(server.hasher, link, reading.user) ? { email: reading.user.email } : null
}

export type LinkUsed =
  | { readonly kind: 'done'; readonly email: string }
  | { readonly kind: 'over' }
  | { readonly kind: 'password_refused'; readonly fault: PasswordFault }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }

/** Sets the password the link was asked for. A reset signs the person out everywhere, whoever is there (RT-21). */
export async function useLink(
  server: AuthorizationServer,
  token: string,
  password: string,
  caller: Caller,
): Promise<LinkUsed> {
  const link = openLink(server.sealer, token, await server.store.now())
  if (link === null) return { kind: 'over' }
  return link.kind === 'sign_up' ? signUp(server, link, password, caller) : reset(server, link, password, caller)
}

async function reset(
  server: AuthorizationServer,
  link: Link & { readonly kind: 'reset' },
  password: string,
  caller: Caller,
): Promise<LinkUsed> {
  const { subject } = link
  const isDue = (user: User): boolean => isStillDue(server.hasher, link, user)
  const reading = await server.store.users.read(subject)
  // A link that is over costs no hash, however often it is used.
  if (reading === null || !isDue(reading.user)) return { kind: 'over' }
  // Judged again on the very row that is replaced: of two who use one link at once, one comes too late.
  const setting = { subject, password, ends: 'all', emailVerified: true, isDue } as const
  const outcome = await setPassword(accountMeans(server), setting, caller)
  switch (outcome.kind) {
    case 'changed':
      tellOfChange(server, subject, 'password')
      return { kind: 'done', email: outcome.user.email }
    case 'unchanged':
    case 'unknown':
      return { kind: 'over' }
    case 'password_refused':
      return outcome
    case 'too_busy':
      return { kind: 'busy', retryAfterSeconds: tooBusyRetrySeconds }
  }
}

async function signUp(
  server: AuthorizationServer,
  { email }: Link & { readonly kind: 'sign_up' },
  password: string,
  caller: Caller,
): Promise<LinkUsed> {
  if (!server.rules.signUp) return { kind: 'over' }
  const wanted = { email, emailVerified: true, password, claims: {} }
  const outcome: UserAdded = await addUser(accountMeans(server), wanted, caller)
  switch (outcome.kind) {
    case 'added':
      return { kind: 'done', email }
    case 'email_taken':
    case 'email_invalid':
      return { kind: 'over' }
    case 'password_refused':
      return outcome
    case 'too_busy':
      return { kind: 'busy', retryAfterSeconds: tooBusyRetrySeconds }
  }
}

function accountMeans(server: AuthorizationServer) {
  const { store, passwords, entropy } = server
  return { users: store.users, passwords, entropy, nowMs: () => store.now() }
}
