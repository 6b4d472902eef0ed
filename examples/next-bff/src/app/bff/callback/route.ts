import { handle } from '../../../backend/running.ts'

export const GET = handle
export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'
