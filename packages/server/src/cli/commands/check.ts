/**
 * `pawl check`: what a profile asks of a server, and whether this one does it, clause by clause. It takes what `serve`
 * takes, so that it speaks of the very server that these flags, variables and files make.
 */

import { type Command, Option } from 'commander'
import { checkedProfileNames, type CheckedProfileName, checkProfile, type Report } from '../../admin/check/check.ts'
import type { Situation } from '../../admin/check/clause.ts'
import { clientsListedMax, listClients, showClient } from '../../admin/clients.ts'
import { listResources } from '../../admin/resources.ts'
import type { Workbench } from '../../admin/workbench.ts'
import type { Client } from '../../domain/client/client.ts'
import { completeConfig, type Config } from '../../config/config.ts'
import { obtainMasterKeys } from '../../config/master-key.ts'
import { publishedMetadata } from '../../published-metadata.ts'
import { exitCodes, type Outcome } from '../exit-codes.ts'
import { type ServerFlags, settingsOf, withSettingFlags } from '../server-flags.ts'
import { workWith } from '../store-command.ts'
import { painter } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'
import { reportWords } from './report-words.ts'

interface CheckFlags extends ServerFlags {
  readonly profile: CheckedProfileName
  readonly client?: readonly string[]
}

export function addCheckCommand(program: Command, world: World, outcome: Outcome): void {
  const command = program
    .command('check')
    .description('what a profile asks of this server and its clients, clause by clause; takes the flags of serve')
    .addOption(new Option('--profile <name>', 'which one').choices(checkedProfileNames).makeOptionMandatory())
    .option('--client <name>', 'look at this client instead of all that are not disabled; several times', collect)
    .option('--json', 'print one JSON document')
  withSettingFlags(command).action(async (flags: CheckFlags) => {
    const report = await reportOf(world, flags)
    if (report.problems > 0) outcome.exitCode = exitCodes.problemsFound
    if (flags.json) return printJson(world, report)
    print(world, reportWords(report, painter(world, world.stdout)))
    tell(world, report.problems === 1 ? '1 problem.' : `${report.problems} problems.`)
  })
}

async function reportOf(world: World, flags: CheckFlags): Promise<Report> {
  const { settings, warnings } = settingsOf(world, flags)
  for (const warning of warnings) tell(world, warning)
  const masterKeys = obtainMasterKeys(settings, world.environment, world.entropy)
  const config = completeConfig(settings, masterKeys, settings.port)
  const situation = await workWith(world, config, workbench =>
    situationOf(world, config, { workbench, named: flags.client }),
  )
  return checkProfile(flags.profile, situation)
}

async function situationOf(
  world: World,
  config: Config,
  { workbench, named }: { readonly workbench: Workbench; readonly named: readonly string[] | undefined },
): Promise<Situation> {
  const clients = named === undefined ? await enabledClients(world, workbench) : await clientsNamed(workbench, named)
  const resources = await listResources(workbench)
  return { issuer: config.issuer, settings: config, metadata: publishedMetadata(config), clients, resources }
}

async function enabledClients(world: World, workbench: Workbench): Promise<readonly Client[]> {
  const listed = await listClients(workbench)
  // What was not looked at must not pass for what is well.
  if (listed.length === clientsListedMax) tell(world, `Only the first ${clientsListedMax} clients were looked at.`)
  return listed.filter(({ disabled }) => !disabled)
}

function clientsNamed(workbench: Workbench, names: readonly string[]): Promise<readonly Client[]> {
  return Promise.all(names.map(name => showClient(workbench, name)))
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}
