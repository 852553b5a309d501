/** Control files and statistics files (profiles.md §3.5). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, word } from './kinds.ts'

/*                                   4.2 4.3 4.4 4.19 5.2 5.3 5.5 5.8 5.9 5.15 6.1 6.12 6.18 7.1 */
export const FILES = {
  memoryHighWrite: word(
    ['store,once', 'store,loop', 'loop,store', 'store,loop,O_NONBLOCK'],
    '',
    'store,once . . . . . . store,loop loop,store store,loop . . store,loop,O_NONBLOCK .',
    { source: 'CR 5.2', test: '' },
  ),
  memoryMaxWrite: word(
    ['v1-resize', 'loop,EINTR', 'loop', 'loop,O_NONBLOCK'],
    '',
    'v1-resize . loop,EINTR . . . . loop . . . . loop,O_NONBLOCK .',
    { source: 'CR 5.3; H11', test: '' },
  ),
  v1LimitWrite: word(
    ['tries-x-subtree', 'until-no-progress'],
    '',
    'tries-x-subtree . . until-no-progress . . . . . . . . . .',
    { source: 'CR 5.5', test: '' },
  ),
  forceEmptySleep: flag('', 'yes . . . . . . . . . no . . .', { source: 'CR 5.5', test: '' }),
  memoryReclaim: word(
    ['size', 'size+swappiness', 'size+swappiness-max'],
    'What memory.reclaim accepts; with `size` alone, blank means everything.',
    '- - - - - - - - - - size size+swappiness size+swappiness-max .',
    { source: 'mm/memcontrol.c memory_reclaim', test: 'WE-17' },
  ),
  memoryReclaimStep: word(
    ['remaining', 'remaining/4'],
    'What memory.reclaim asks for per round.',
    '- - - - - - - - - - remaining remaining/4 . .',
    {
      source: 'mm/memcontrol.c memory_reclaim',
      test: 'WE-17',
    },
  ),
  memoryPeak: word(['read-only', 'reset-per-open'], '', '- . . . . . . . . . read-only reset-per-open . .', {
    source: 'CR 5.7',
    test: '',
  }),
  eventsKeys: word(
    [
      'low,high,max,oom',
      'low,high,max,oom,oom_kill',
      'low,high,max,oom,oom_kill,oom_group_kill',
      'low,high,max,oom,oom_kill,oom_group_kill,sock_throttled',
    ],
    '',
    'low,high,max,oom . . low,high,max,oom,oom_kill . . . . . . low,high,max,oom,oom_kill,oom_group_kill . low,high,max,oom,oom_kill,oom_group_kill,sock_throttled .',
    { source: 'CR 5.8', test: '' },
  ),
  eventsTree: flag('', 'no . . . yes . . . . . . . . .', { source: 'CR 5.8', test: '' }),
  swapEventsKeys: word(['max,fail', 'high,max,fail'], '', '- . . max,fail . . . high,max,fail . . . . . .', {
    source: 'CR 5.1',
    test: '',
  }),
  memoryStat: word(
    ['4.19', '5.2', '5.8', '5.9', '5.15', '6.1', '6.12', '6.18', '7.1'],
    '',
    '- . . 4.19 5.2 . . 5.8 5.9 5.15 6.1 6.12 6.18 7.1',
    { source: 'CR 12.1 (list of that name); D8', test: '' },
  ),
  memoryStatRoot: flag('', '- . . no . . . . yes . . . . .', { source: 'CR 5.1', test: '' }),
  v1MemoryStat: word(['4.2', '4.19', '6.1', '7.1'], '', '4.2 . . 4.19 . . . . . . 6.1 7.1 . .', {
    source: 'CR 12.3; H12',
    test: '',
  }),
} as const satisfies Record<string, AnyFeature>
