/** Starts one worker, and stops it cleanly. */

import { once } from 'node:events'
import { environmentCustodyKey } from '@pawl/client/environment-key'
import { serveFetch } from './serve-fetch.ts'
import { readSettings } from './settings.ts'
import { answer } from './site.ts'
import { openWorker } from './worker.ts'

const settings = readSettings(process.env)
const worker = await openWorker(settings, await environmentCustodyKey())
const served = await serveFetch(request => answer(worker, request), settings.port, settings.url)
console.log(`A worker is ready at ${settings.url}/health`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await served.close()
await worker.close()
