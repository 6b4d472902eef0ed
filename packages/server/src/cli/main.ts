/** The command line: builds the program, runs it, and turns whatever happened into an exit code. */

import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { Command } from 'commander'
import { systemEntropy } from '../domain/entropy.ts'
import { systemClock } from '../domain/time.ts'
import { addCheckCommand } from './commands/check.ts'
import { addClientCommands } from './commands/client.ts'
import { addConfigCommands } from './commands/config.ts'
import { addDeliveriesCommands } from './commands/deliveries.ts'
import { addDetailsCommands } from './commands/details.ts'
import { addDevCommand } from './commands/dev.ts'
import { addExplainCommand } from './commands/explain.ts'
import { addFamiliesCommands } from './commands/families.ts'
import { addKeysCommands } from './commands/keys.ts'
import { addRegistrationTokenCommands } from './commands/registration-token.ts'
import { addResourceCommands } from './commands/resource.ts'
import { addRevokeCommand } from './commands/revoke.ts'
import { addServeCommand } from './commands/serve.ts'
import { addTryCommand } from './commands/try.ts'
import { addUpstreamCommands } from './commands/upstream.ts'
import { addUserCommands } from './commands/user.ts'
import { exitCodes, failureOf, type Outcome } from './exit-codes.ts'
import { print, printJson, tell, type World } from './world.ts'

/** Runs the command line of this process and resolves with its exit code once everything is said. */
export async function main(words: readonly string[]): Promise<number> {
  const world = systemWorld()
  leaveQuietlyWhenNobodyReads(world)
  return runCommand(words, world)
}

/** Runs one command line in a world that may be a test's. Never rejects. */
export async function runCommand(words: readonly string[], world: World): Promise<number> {
  const outcome: Outcome = { exitCode: exitCodes.ok }
  try {
    await buildProgram(world, outcome).parseAsync([...words], { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    const failure = failureOf(error)
    if (failure.message !== '') tell(world, failure.message)
    return failure.exitCode
  }
}

function buildProgram(world: World, outcome: Outcome): Command {
  const program = new Command('pawl')
    .description('An OAuth 2.1 / OpenID Connect authorization server built round the life of the refresh token.')
    .version(version(), '-V, --version', 'print the version')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('(add --help for what can be written here)')
    .configureOutput({
      writeOut: text => world.stdout.write(text),
      writeErr: text => world.stderr.write(text),
    })
  addDevCommand(program, world)
  addTryCommand(program, world, outcome)
  addServeCommand(program, world)
  addCheckCommand(program, world, outcome)
  addClientCommands(program, world)
  addUserCommands(program, world)
  addUpstreamCommands(program, world)
  addResourceCommands(program, world)
  addDetailsCommands(program, world)
  addRegistrationTokenCommands(program, world)
  addFamiliesCommands(program, world)
  addExplainCommand(program, world)
  addRevokeCommand(program, world)
  addDeliveriesCommands(program, world)
  addKeysCommands(program, world)
  addConfigCommands(program, world)
  program
    .command('version')
    .description('print the version')
    .option('--json', 'print one JSON document')
    .action((flags: { json?: true }) => {
      if (flags.json) return printJson(world, { version: version(), node: process.versions.node })
      print(world, version())
    })
  return program
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return manifest.version
}

function systemWorld(): World {
  return {
    environment: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    entropy: systemEntropy(),
    operatorName: operatorName(),
    untilStopped,
  }
}

/** The login name; in a container the user may have none, and then the number has to do. */
function operatorName(): string {
  try {
    return userInfo().username
  } catch {
    // There is no entry for this user in the system's list, which is no reason to refuse their work.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

function untilStopped(): Promise<void> {
  return new Promise(resolve => {
    let isStopping = false
    const onSignal = (): void => {
      if (isStopping) process.exit(exitCodes.failed)
      isStopping = true
      resolve()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}

/** `pawl families list | head` closes the pipe early; that is how a reader says "enough". */
function leaveQuietlyWhenNobodyReads(world: World): void {
  for (const stream of [world.stdout, world.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(exitCodes.ok)
    })
  }
}
