#!/usr/bin/env node
/** Reads the words of the command line, does what they say, and ends with a number that scripts can go by. */

import { parseArgs } from 'node:util'
import { call, type Command, login, logout, type Terminal, whoami } from './commands.ts'
import { openCustody } from './custody.ts'
import { exitCodes, failureOf } from './failures.ts'
import { readSettings } from './settings.ts'

const usage = `pawl-example login [--device]   sign in with the browser of this machine, or of another one
pawl-example whoami             say who is signed in
pawl-example call PATH          ask the API
pawl-example logout             sign out`

const terminal: Terminal = {
  say: words => void process.stderr.write(`${words}\n`),
  print: text => void process.stdout.write(`${text}\n`),
}

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  const act = actOf(words)
  if (act === null) {
    terminal.say(usage)
    return exitCodes.usage
  }
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const settings = readSettings(process.env)
    await act({ settings, custody: await openCustody(settings), terminal, signal: interrupted.signal })
    return 0
  } catch (error) {
    const { sentence, code } = failureOf(error)
    terminal.say(sentence)
    return interrupted.signal.aborted ? exitCodes.cancelled : code
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

/** Null for words that mean nothing. */
function actOf(words: readonly string[]): ((command: Command) => Promise<void>) | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { device: { type: 'boolean', default: false } },
    })
    const [name, path, ...more] = positionals
    if (name === 'call' && path !== undefined && more.length === 0 && !values.device) return of => call(of, path)
    if (path !== undefined || (values.device && name !== 'login')) return null
    if (name === 'login') return of => login(of, { onDevice: values.device })
    if (name === 'whoami') return whoami
    return name === 'logout' ? logout : null
  } catch {
    // An option that there is none of.
    return null
  }
}
