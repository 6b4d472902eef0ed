/** `pawl dev`: a server at once, with sample clients and a person, everything printed. */

import type { Command } from 'commander'
import { isDevelopment } from '../../config/config.ts'
import { ConfigRefused } from '../../config/config-refused.ts'
import type { SettingsReading } from '../../config/read-config.ts'
import { startServer } from '../running-server.ts'
import { type DevReady, ensureSamples, writeReadyFile } from '../samples.ts'
import { type ServerFlags, settingsOf, withServerFlags } from '../server-flags.ts'
import { withWorkbench } from '../store-command.ts'
import { type Paint, painter } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'

export function addDevCommand(program: Command, world: World): void {
  const command = program.command('dev').description('a server at once, with sample clients and a user')
  withServerFlags(command).action(async (flags: ServerFlags) => {
    const reading = alone(quieter(settingsOf(world, flags)))
    if (!isDevelopment(reading.settings)) {
      throw new ConfigRefused('pawl dev is for loopback: leave --issuer out, or use pawl serve.')
    }
    const server = await startServer(world, reading)
    const stopped = world.untilStopped()
    const samples = await withWorkbench(world, flags, ensureSamples).catch(async (cause: unknown) => {
      await server.stop()
      throw cause
    })
    const ready: DevReady = { event: 'ready', issuer: server.config.issuer, admin: server.admin, samples }
    writeReadyFile(reading.settings.data, ready)
    if (flags.json) printJson(world, ready)
    else print(world, devWords(ready, reading.settings.data, painter(world, world.stdout)))
    await stopped
    tell(world, 'Stopping: answering what is in flight.')
    await server.stop()
  })
}

/** A newcomer reads this terminal: refusals they caused on purpose need no line, unless they asked for it. */
function quieter(reading: SettingsReading): SettingsReading {
  if (reading.origins.has('logLevel')) return reading
  return { ...reading, settings: { ...reading.settings, logLevel: 'warn' } }
}

/** One person needs one thread, and their machine has other work. */
function alone(reading: SettingsReading): SettingsReading {
  return { ...reading, settings: { ...reading.settings, workers: reading.settings.workers ?? 1 } }
}

function devWords(ready: DevReady, dataDirectory: string, paint: Paint): string {
  const { issuer, samples } = ready
  const { user, web, native, service } = samples
  const data = dataDirectory === '.pawl' ? '' : ` --data ${dataDirectory}`
  return [
    `${paint('bold', 'Pawl is ready')} at ${paint('cyan', issuer)}   (development; everything is in ${dataDirectory})`,
    '',
    `${paint('bold', 'Sign in as')}`,
    `  ${user.email}   ${user.password}`,
    '',
    paint('bold', 'Clients'),
    `  ${web.client_id}       ${web.client_secret}   ${web.redirect_uri}`,
    `  ${native.client_id}    public   ${native.redirect_uri} (any port)`,
    `  ${service.client_id}   ${service.client_secret}   answers for ${service.audience}`,
    '',
    paint('bold', 'In another terminal'),
    `  npx pawl try${data}`,
    `  curl ${issuer}/.well-known/openid-configuration`,
    `  curl -u ${service.client_id}:${service.client_secret} -d grant_type=client_credentials ${issuer}/token`,
    '',
    paint('dim', 'Passwords and secrets are new at every start. Ctrl-C stops the server.'),
  ].join('\n')
}
