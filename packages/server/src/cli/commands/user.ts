/** `pawl user`: people who can sign in. Passwords come in by stdin and go nowhere else. */

import { type Command, InvalidArgumentError } from 'commander'
import { isTextClaim } from '../../admin/standard-claims.ts'
import type { Workbench } from '../../admin/workbench.ts'
import {
  addUser,
  changeUser,
  countFamiliesOfUser,
  disableUser,
  enableUser,
  listUsers,
  type NewUserInput,
  resetFactors,
  resetPassword,
  userJson,
  type UserChangesInput,
} from '../../admin/users.ts'
import type { User } from '../../domain/user/user.ts'
import { confirmEnding } from '../confirm.ts'
import { readPassword } from '../read-password.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { table } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'

interface EndingFlags extends StoreOptions {
  readonly dryRun?: true
  readonly yes?: true
}

type Claims = { readonly [name: string]: unknown }

export function addUserCommands(program: Command, world: World): void {
  const group = program.command('user').description('people who can sign in')
  addAdd(group, world)
  addSet(group, world)
  addList(group, world)
  addPassword(group, world)
  addResetFactors(group, world)
  addDisable(group, world)
  addEnable(group, world)
}

function addAdd(group: Command, world: World): void {
  storeCommand(group, 'add', 'add a person; the e-mail is the user name')
    .argument('<email>')
    .option('--password-stdin', 'read the password from one line of stdin')
    .option('--email-verified', 'say that the address is known to be theirs')
    .option(
      '--claim <name=value>',
      'a claim such as given_name=Ada; JSON where it reads as JSON; several times',
      collectClaim,
    )
    .option('--group <name>', 'a group they are in; several times', collect)
    .action(async (email: string, flags: AddFlags) => {
      const password = await readPassword(world, flags.passwordStdin === true)
      const groups = [...(flags.group ?? [])]
      const wanted = {
        email,
        password,
        claims: jsonOf(flags.claim),
        groups,
        emailVerified: flags.emailVerified === true,
      }
      const user = await withWorkbench(world, flags, workbench => addUser(workbench, wanted))
      if (flags.json) return printJson(world, userJson(user))
      print(world, `User ${user.email} is added as ${user.subject}.`)
    })
}

function addSet(group: Command, world: World): void {
  storeCommand(group, 'set', 'change what you name and leave the rest; the next refresh tells applications')
    .argument('<user>', 'an e-mail or a subject')
    .option('--claim <name=value>', 'set a claim; several times', collectClaim)
    .option('--remove-claim <name>', 'forget a claim; several times', collect)
    .option('--group <name>', 'put them into a group; several times', collect)
    .option('--remove-group <name>', 'take them out of a group; several times', collect)
    .option('--email-verified', 'say that the address is known to be theirs')
    .option('--no-email-verified', 'say that it is not')
    .action(async (name: string, flags: SetFlags) => {
      const user = await withWorkbench(world, flags, workbench => changeUser(workbench, name, changesOf(flags)))
      if (flags.json) return printJson(world, userJson(user))
      print(world, `User ${user.email} is changed.`)
    })
}

interface AddFlags extends StoreOptions {
  readonly passwordStdin?: true
  readonly emailVerified?: true
  readonly claim?: Claims
  readonly group?: readonly string[]
}

interface SetFlags extends StoreOptions {
  readonly claim?: Claims
  readonly removeClaim?: readonly string[]
  readonly group?: readonly string[]
  readonly removeGroup?: readonly string[]
  readonly emailVerified?: boolean
}

/** Only what was written. */
function changesOf(flags: SetFlags): UserChangesInput {
  return {
    ...(flags.emailVerified === undefined ? {} : { emailVerified: flags.emailVerified }),
    ...(flags.claim === undefined ? {} : { claims: jsonOf(flags.claim) }),
    ...(flags.removeClaim === undefined ? {} : { removeClaims: [...flags.removeClaim] }),
    ...(flags.group === undefined ? {} : { addGroups: [...flags.group] }),
    ...(flags.removeGroup === undefined ? {} : { removeGroups: [...flags.removeGroup] }),
  }
}

/** Claims came out of JSON or are text, so they are JSON again. */
function jsonOf(claims: Claims = {}): NonNullable<NewUserInput['claims']> {
  return JSON.parse(JSON.stringify(claims)) as NonNullable<NewUserInput['claims']>
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

function addList(group: Command, world: World): void {
  storeCommand(group, 'list', 'everyone').action(async (flags: StoreOptions) => {
    const users = await withWorkbench(world, flags, listUsers)
    if (flags.json) return printJson(world, users.map(userJson))
    if (users.length === 0) return tell(world, 'There are no users yet: pawl user add EMAIL --password-stdin')
    const rows = users.map(user => [user.email, user.subject, user.disabled ? 'disabled' : 'enabled'])
    print(world, table(['E-MAIL', 'SUBJECT', 'STATE'], rows))
  })
}

function addPassword(group: Command, world: World): void {
  endingCommand(group, 'password', 'set a new password; ends every session opened with the old one')
    .option('--password-stdin', 'read the password from one line of stdin')
    .action(async (name: string, flags: EndingFlags & { passwordStdin?: true }) => {
      const password = flags.dryRun ? '' : await readPassword(world, flags.passwordStdin === true)
      await endAndTell(world, name, flags, workbench => resetPassword(workbench, name, password))
    })
}

function addResetFactors(group: Command, world: World): void {
  const says = 'take codes and passkeys away from a person who has lost them; ends every session they have'
  endingCommand(group, 'reset-factors', says).action(async (name: string, flags: EndingFlags) => {
    await endAndTell(world, name, flags, workbench => resetFactors(workbench, name))
  })
}

function addDisable(group: Command, world: World): void {
  endingCommand(group, 'disable', 'refuse to sign a person in; ends every session they have').action(
    async (name: string, flags: EndingFlags) => {
      await endAndTell(world, name, flags, workbench => disableUser(workbench, name))
    },
  )
}

function addEnable(group: Command, world: World): void {
  storeCommand(group, 'enable', 'let a person sign in again; nothing of before comes back')
    .argument('<user>', 'an e-mail or a subject')
    .action(async (name: string, flags: StoreOptions) => {
      const user = await withWorkbench(world, flags, workbench => enableUser(workbench, name))
      if (flags.json) return printJson(world, userJson(user))
      print(world, `User ${user.email} may sign in again.`)
    })
}

function endingCommand(group: Command, name: string, description: string): Command {
  return storeCommand(group, name, description)
    .argument('<user>', 'an e-mail or a subject')
    .option('--dry-run', 'count what would end and change nothing')
    .option('--yes', 'do it without asking')
}

async function endAndTell(
  world: World,
  name: string,
  flags: EndingFlags,
  act: (workbench: Workbench) => Promise<User>,
): Promise<void> {
  const result = await withWorkbench(world, flags, async workbench => {
    const families = await countFamiliesOfUser(workbench, name)
    if (flags.dryRun) return { user: null, families }
    // Somebody who holds nothing loses nothing, so there is nothing to confirm.
    if (families > 0) await confirmEnding(world, { words: `user ${name}`, families, yes: flags.yes === true })
    return { user: await act(workbench), families }
  })
  const { user, families } = result
  if (flags.json)
    return printJson(world, { ...(user === null ? {} : userJson(user)), families, dry_run: user === null })
  print(
    world,
    user === null ? `It would end ${families} families.` : `Done: ${user.email}; ${families} families are over.`,
  )
}

function collectClaim(text: string, before: Claims | undefined): Claims {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('A claim is written name=value.')
  const name = text.slice(0, equals)
  const value = text.slice(equals + 1)
  // `birthdate=1815` is a year, and a telephone number may have nothing but digits.
  const isDigits = isTextClaim(name) && /^[0-9]+$/.test(value)
  return { ...before, [name]: isDigits ? value : jsonOrText(value) }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON, so it is the text itself: that is what `given_name=Ada` means.
    return text
  }
}
