/** People, as an operator adds, finds, disables and re-enables them. The rules are those of `domain/user/accounts.ts`. */

import { z } from 'zod'
import { isoInstant } from '../domain/time.ts'
import {
  type AccountMeans,
  addUser as addAccount,
  changeProfile,
  disableUser as disableAccount,
  enableUser as enableAccount,
  resetPassword as resetAccountPassword,
  type UserChanged,
} from '../domain/user/accounts.ts'
import { type PasswordFault, passwordCharactersMax, passwordCharactersMin } from '../domain/user/password.ts'
import { groupsOf, type User } from '../domain/user/user.ts'
import { parseInput } from './client-input.ts'
import { findUser } from './find-user.ts'
import { judgeStandardClaims } from './standard-claims.ts'
import { AdminRefused, InputRefused, operatorEvent, type Workbench } from './workbench.ts'

export const usersListedMax = 10_000
const claimsBytesMax = 16_384

/** Claims the server makes itself; a stored one would be a second truth. */
const ownClaims = [
  'sub',
  'email',
  'email_verified',
  'iss',
  'aud',
  'exp',
  'iat',
  'auth_time',
  'nonce',
  'acr',
  'amr',
  'azp',
  'sid',
  'at_hash',
]

/** Where groups stand among the claims; they have words of their own. */
const groupsClaim = 'groups'
export const groupsMax = 200

const claimsSchema = z.record(z.string().min(1).max(100), z.json())
const groupsSchema = z.array(z.string().regex(/^\P{Cc}{1,256}$/u, 'A group is 1 to 256 characters')).max(groupsMax)

const newUserSchema = z.strictObject({
  email: z.string().max(1024),
  emailVerified: z.boolean().default(false),
  password: z.string(),
  claims: claimsSchema.default({}),
  groups: groupsSchema.default([]),
})
export type NewUserInput = z.input<typeof newUserSchema>

const userChangesSchema = z.strictObject({
  emailVerified: z.boolean().optional(),
  claims: claimsSchema.default({}),
  removeClaims: z.array(z.string().max(100)).max(100).default([]),
  addGroups: groupsSchema.default([]),
  removeGroups: groupsSchema.default([]),
})
export type UserChangesInput = z.input<typeof userChangesSchema>

/** Adds a person. Throws `InputRefused` for what cannot be stored and `AdminRefused` when the e-mail is taken. */
export async function addUser(workbench: Workbench, input: NewUserInput): Promise<User> {
  const wanted = parseInput(newUserSchema, input)
  refuseWrongClaims(wanted.claims)
  const claims = withGroups(wanted.claims, wanted.groups)
  refuseTooMuch(claims)
  const added = await addAccount(meansOf(workbench), { ...wanted, claims }, workbench.operator.caller)
  switch (added.kind) {
    case 'added':
      return added.user
    case 'email_invalid':
      throw new InputRefused(['That is no e-mail address a message could be sent to.'])
    case 'email_taken':
      throw new AdminRefused('There is a user with this e-mail already (or one that reads the same).')
    case 'password_refused':
      throw new InputRefused([sentenceOf(added.fault)])
    case 'too_busy':
      throw new AdminRefused('Too many passwords are being hashed: try again.')
  }
}

/** Changes what is named and leaves the rest. Nothing ends: the next refresh tells the application (RT-24). */
export async function changeUser(workbench: Workbench, name: string, input: UserChangesInput): Promise<User> {
  const wanted = parseInput(userChangesSchema, input)
  if (Object.keys(input).length === 0) throw new InputRefused(['Nothing to change was named.'])
  refuseWrongClaims(wanted.claims)
  const { user } = await findUser(workbench, name)
  const change = (before: User) => {
    const claims = changedClaims(before, wanted)
    refuseTooMuch(claims)
    return { claims, emailVerified: wanted.emailVerified ?? before.emailVerified }
  }
  return changed(user, await changeProfile(meansOf(workbench), user.subject, change, workbench.operator.caller))
}

function changedClaims(user: User, wanted: z.output<typeof userChangesSchema>): User['claims'] {
  const kept = Object.entries({ ...user.claims, ...wanted.claims }).filter(
    ([name]) => !wanted.removeClaims.includes(name),
  )
  const groups = new Set([...groupsOf(user), ...wanted.addGroups])
  for (const group of wanted.removeGroups) groups.delete(group)
  return withGroups(Object.fromEntries(kept), [...groups])
}

function withGroups(claims: User['claims'], groups: readonly string[]): User['claims'] {
  const { [groupsClaim]: _before, ...others } = claims
  return groups.length === 0 ? others : { ...others, [groupsClaim]: [...new Set(groups)] }
}

function refuseWrongClaims(claims: User['claims']): void {
  const own = Object.keys(claims).filter(name => ownClaims.includes(name))
  if (own.length > 0)
    throw new InputRefused([`The server itself says ${own.join(' and ')}: leave it out of the claims.`])
  if (groupsClaim in claims) throw new InputRefused(['Groups are not a claim like others: name each with --group.'])
  const wrong = judgeStandardClaims(claims)
  if (wrong.length > 0) throw new InputRefused(wrong)
}

function refuseTooMuch(claims: User['claims']): void {
  if (JSON.stringify(claims).length > claimsBytesMax) {
    throw new InputRefused([`All claims together have at most ${claimsBytesMax} characters of JSON.`])
  }
  if (groupsOf({ claims }).length > groupsMax) throw new InputRefused([`A user is in at most ${groupsMax} groups.`])
}

export async function listUsers(workbench: Workbench): Promise<readonly User[]> {
  return workbench.store.users.list(usersListedMax)
}

/** How many living families disabling the user, or a new password, would end. */
export async function countFamiliesOfUser(workbench: Workbench, name: string): Promise<number> {
  const { user } = await findUser(workbench, name)
  return workbench.store.cutOffs.countLiving({ kind: 'user', subject: user.subject }, null)
}

/** Nobody signs in as this user any more, and everything of before is over. Answers the user as they are now. */
export async function disableUser(workbench: Workbench, name: string): Promise<User> {
  const { user } = await findUser(workbench, name)
  return changed(user, await disableAccount(meansOf(workbench), user.subject, workbench.operator.caller))
}

/** The user may sign in again; nothing of before comes back. */
export async function enableUser(workbench: Workbench, name: string): Promise<User> {
  const { user } = await findUser(workbench, name)
  return changed(user, await enableAccount(meansOf(workbench), user.subject, workbench.operator.caller))
}

/**
 * Takes codes, recovery codes and passkeys away, from somebody who has lost them: the password alone signs in again.
 * Everything of before is over, what a passkey opened in the meantime included.
 */
export async function resetFactors(workbench: Workbench, name: string): Promise<User> {
  const { user } = await findUser(workbench, name)
  const { store } = workbench
  const { subject } = user
  const event = operatorEvent(workbench, 'factors_reset', { subject, atMs: await store.now() })
  await forgetPasskeys(workbench, user)
  await store.credentials.removeTotp(subject, 'all', [event])
  // Whoever was signed in until then may have made another one in the meantime, and have signed in with it.
  if ((await forgetPasskeys(workbench, user)) > 0) await store.credentials.removeTotp(subject, 'all', [])
  return user
}

/** How many there were. */
async function forgetPasskeys({ store }: Workbench, { subject }: User): Promise<number> {
  const { passkeys } = await store.credentials.ofUser(subject)
  for (const passkey of passkeys) await store.credentials.removePasskey(passkey, 'nothing', [])
  return passkeys.length
}

/** Sets a new password; whoever was signed in with the old one is signed out everywhere. */
export async function resetPassword(workbench: Workbench, name: string, password: string): Promise<User> {
  const { user } = await findUser(workbench, name)
  const reset = { subject: user.subject, password }
  const outcome = await resetAccountPassword(meansOf(workbench), reset, workbench.operator.caller)
  if (outcome.kind === 'password_refused') throw new InputRefused([sentenceOf(outcome.fault)])
  if (outcome.kind === 'too_busy') throw new AdminRefused('Too many passwords are being hashed: try again.')
  return changed(user, outcome)
}

/** A user as JSON, with the names of OIDC Core §5.1. Never the password hash. */
export function userJson(user: User): { readonly [name: string]: unknown } {
  return {
    sub: user.subject,
    email: user.email,
    email_verified: user.emailVerified,
    disabled: user.disabled,
    created_at: isoInstant(user.createdAtMs),
    claims: user.claims,
  }
}

function changed(before: User, outcome: UserChanged): User {
  switch (outcome.kind) {
    case 'changed':
      return outcome.user
    case 'unchanged':
      return before
    case 'unknown':
      throw new AdminRefused(`User ${before.subject} is not there any more.`)
  }
}

function meansOf(workbench: Workbench): AccountMeans {
  const { store, passwords, entropy } = workbench
  return { users: store.users, passwords, entropy, nowMs: () => store.now() }
}

function sentenceOf(fault: PasswordFault): string {
  switch (fault) {
    case 'too_short':
      return `A password has at least ${passwordCharactersMin} characters.`
    case 'too_long':
      return `A password has at most ${passwordCharactersMax} characters.`
    case 'not_text':
      return 'A password is text without control characters.'
  }
}
