package storetest

// laws are in the best order in which to write a store.
var laws = []law{
	{"CreateThenLoad", "Load returns what Create was given: all fields, times to the millisecond", createThenLoad},
	{"CreateKeepsVersion", "Create stores the version as given", createKeepsVersion},
	{"CreateOverLiveFails", "Create over a live record returns ErrExists and writes nothing", createOverLiveFails},
	{"CreateIsAtomic", "of several callers that create one ID exactly one succeeds, and the others get ErrExists", createIsAtomic},
	{"CreateOverExpired", "an expired record is absent, so its ID can be created, and nothing of the old record stays", createOverExpired},
	{"ZeroIDIsInvalid", "the zero ID is invalid everywhere: Create refuses it, and nothing is found under it", zeroIDIsInvalid},
	{"IDsAreExact", "IDs are 16 bytes of any value and are compared byte for byte", idsAreExact},
	{"LoadOfAbsent", "Load returns ErrNotFound when there is no record", loadOfAbsent},

	{"EmptyData", "empty data, nil or not, comes back empty", emptyData},
	{"BinaryData", "data is bytes of any value and comes back as it was", binaryData},
	{"LargeData", "data of a mebibyte comes back as it was", largeData},
	{"GivenDataIsNotChanged", "the store changes no slice that it is given", givenDataIsNotChanged},
	{"ReturnedDataIsNotChanged", "the store changes no slice that it has returned", returnedDataIsNotChanged},

	{"UpdateReplaces", "Update replaces subject, expiry and data, and stores the version plus one", updateReplaces},
	{"UpdateOnlyOverItsVersion", "Update over another version than the stored one returns ErrConflict and writes nothing", updateOnlyOverItsVersion},
	{"UpdateIsAtomic", "of several callers that update over one version exactly one succeeds, and the others get ErrConflict", updateIsAtomic},
	{"UpdateLosesNothing", "callers that load, update, and begin anew on ErrConflict lose no change", updateLosesNothing},
	{"UpdateOfAbsent", "Update of a record that was never there returns ErrNotFound and writes nothing", updateOfAbsent},
	{"UpdateAfterDelete", "Update of a deleted record returns ErrNotFound and writes nothing", updateAfterDelete},
	{"UpdateAfterDeleteAll", "Update of a record that DeleteAll removed returns ErrNotFound and writes nothing", updateAfterDeleteAll},
	{"UpdateAfterExpiry", "Update of an expired record returns ErrNotFound and writes nothing", updateAfterExpiry},
	{"UpdateMovesExpiry", "the record is absent from the new expiry on, whether that is later or earlier than the old one", updateMovesExpiry},
	{"UpdateIntoThePastDeletes", "Update with an ExpiresAt that has passed, and is not zero, leaves the record absent, and only over its version", updateIntoThePastDeletes},
	{"UpdateKeepsExpiry", "Update with a zero ExpiresAt keeps the expiry that is stored, and replaces subject and data over its version", updateKeepsExpiry},
	{"UpdateKeepsTouchedExpiry", "Update with a zero ExpiresAt keeps an expiry that Touch has moved since the record was read", updateKeepsTouchedExpiry},
	{"UpdateLosesNoTouch", "an Update with a zero ExpiresAt at the same moment does not take back a Touch", updateLosesNoTouch},
	{"UpdateKeepingExpiryRevivesNothing", "Update with a zero ExpiresAt of a record that is expired, deleted or was never there returns ErrNotFound and writes nothing", updateKeepingExpiryRevivesNothing},

	{"TouchMovesExpiry", "Touch moves the expiry of a live record to a later time", touchMovesExpiry},
	{"TouchMovesNothingElse", "Touch changes neither data nor subject nor version", touchMovesNothingElse},
	{"TouchNeverShortens", "Touch to a time that is not later, such as a past or zero time, changes nothing and is no error", touchNeverShortens},
	{"TouchOfAbsent", "Touch of a record that was never there returns ErrNotFound and writes nothing", touchOfAbsent},
	{"TouchAfterDelete", "Touch of a deleted record returns ErrNotFound and revives nothing", touchAfterDelete},
	{"TouchAfterDeleteAll", "Touch of a record that DeleteAll removed returns ErrNotFound and revives nothing", touchAfterDeleteAll},
	{"TouchAfterExpiry", "Touch of an expired record returns ErrNotFound and revives nothing", touchAfterExpiry},
	{"TouchLosesNoUpdate", "a Touch at the same moment neither undoes an Update nor makes it fail", touchLosesNoUpdate},

	{"DeleteRemoves", "Delete removes the record, and only that one", deleteRemoves},
	{"DeleteOfAbsent", "Delete of an absent record is no error", deleteOfAbsent},
	{"DeletedIDIsFree", "a deleted ID can be created anew, and nothing of the old record stays", deletedIDIsFree},
	{"DeleteWins", "no Update and no Touch at the same moment brings back what Delete removed", deleteWins},

	{"ExpiresToTheMillisecond", "a record is live until the last millisecond before its ExpiresAt, and absent from then on", expiresToTheMillisecond},
	{"PastExpiryIsNotForever", "a record created with an ExpiresAt that has passed, or is zero, is never live", pastExpiryIsNotForever},
	{"FarExpiry", "an expiry far ahead is kept as it is", farExpiry},

	{"ListIsComplete", "List returns whole records, as Load does", listIsComplete},
	{"ListIsNewestFirst", "List returns records in descending order of their IDs", listIsNewestFirst},
	{"ListShowsLiveOnly", "List shows neither deleted nor expired records", listShowsLiveOnly},
	{"ListFollowsSubject", "List follows a change of the subject, from and to the empty one too", listFollowsSubject},
	{"SubjectsAreExact", "a subject is up to 255 bytes of UTF-8 and is compared byte for byte", subjectsAreExact},
	{"EmptySubjectOwnsNothing", "the empty subject owns nothing: List shows nothing of it, DeleteAll removes nothing", emptySubjectOwnsNothing},
	{"ManySessions", "many subjects with many sessions each are kept apart", manySessions},

	{"DeleteAllRemoves", "DeleteAll removes the subject's records and no others, for good", deleteAllRemoves},
	{"DeleteAllCounts", "DeleteAll returns how many live records it removed", deleteAllCounts},
	{"DeleteAllSparesExcept", "DeleteAll spares the records that it is told to spare", deleteAllSparesExcept},
	{"DeleteAllFollowsSubject", "DeleteAll removes what belongs to the subject now, not what once did", deleteAllFollowsSubject},
	{"DeleteAllSparesWhatLeaves", "DeleteAll does not remove a session whose Update took it from the subject at the same moment", deleteAllSparesWhatLeaves},
	{"DeleteAllWins", "DeleteAll removes each record of the subject whose Create or Update had returned before the call, whatever is being updated meanwhile", deleteAllWins},

	{"ConcurrentUse", "all methods may be called at once: each record is whole and each error is one that the method names", concurrentUse},
	{"CancelledBefore", "a context that is done is a failure, never an answer, and nothing is written", cancelledBefore},
	{"CancelledMidway", "a context that ends during a call makes it fail or not, never answer wrongly, and the record stays whole", cancelledMidway},

	{"SecretNeverReachesStore", "no record holds a token or its secret", secretNeverReachesStore},
	{"EngineLosesNoChange", "requests that overlap on one session lose no change", engineLosesNoChange},
	{"EngineLogoutWins", "a session that ended while a request was in flight is not brought back by it", engineLogoutWins},
	{"EngineDoubtIsNoAnswer", "a change whose outcome is unknown is stored once, or reported as ErrUnavailable: never as ErrNotFound, and never twice", engineDoubtIsNoAnswer},
	{"EngineKeepsCarriersApart", "a token opens its session only through the cookie that it was issued for, while two managers of one realm share the sessions of a subject", engineKeepsCarriersApart},
	{"EngineKeepsRealmsApart", "managers of different realms on one store see nothing of each other: by token, subject or ID", engineKeepsRealmsApart},
	{"EngineKnowsStragglersOfLogout", "for the straggler's window a request of a session that was logged out of reads nothing and does nothing but log in anew", engineKnowsStragglersOfLogout},
	{"EngineLogoutLeavesNoSession", "what a logout leaves is nobody's: no list shows it, no revocation counts it, and nothing revives it", engineLogoutLeavesNoSession},
	{"EngineForgetsLogout", "what a logout leaves is absent after the straggler's window", engineForgetsLogout},
	{"EngineLogsOutWhenFull", "a logout needs no room: an Update with an ExpiresAt that has passed removes the record in a store that is full", engineLogsOutWhenFull},
	{"EngineRecordsLastUse", "ExpiresAt is the last use plus IdleTimeout, whatever Lifetime is, and a use is recorded at the load when less than half of that is left", engineRecordsLastUse},
	{"EngineJobTakesBackNoUse", "a job (Manager.Update) takes nothing back of the use that a request records at the same moment", engineJobTakesBackNoUse},
	{"EngineTooLateIsAnError", "a change that finds its session gone after the expiry that its request knew is an error", engineTooLateIsAnError},
	{"EngineLastsACentury", "the longest times that session.New accepts work: create, update, touch, list, log out", engineLastsACentury},
	{"EngineTakesOnce", "of overlapping requests, only one gets what session.Take takes", engineTakesOnce},
	{"EngineBoundsSubjects", "after simultaneous logins a subject has at most Options.MaxPerSubject sessions, and these work", engineBoundsSubjects},
	{"EngineRemembers", "the last use of a session is known whatever its clocks, as with LoginOptions.Remember", engineRemembers},
	{"EngineChangesAllOfSubject", "Manager.UpdateAll changes each session of a subject once, whatever is changed meanwhile", engineChangesAllOfSubject},
	{"EnginePings", "Manager.Ping says that the store is ready", enginePings},
}

// allLaws are the laws of a session.Iterable.
var allLaws = []law{
	{"AllIsComplete", "All shows each live record at least once, whole, as Load does", allIsComplete},
	{"AllMissesNothing", "All shows each record that is live throughout, whatever is created, updated, touched and deleted meanwhile", allMissesNothing},
	{"AllShowsLiveOnly", "All shows neither deleted nor expired records", allShowsLiveOnly},
	{"ShownDataIsNotChanged", "the store changes no slice that All has shown", shownDataIsNotChanged},
	{"AllLetsOthersIn", "while All is under way, its caller can call the store for each record, and so can others", allLetsOthersIn},
	{"AllEndsEarly", "an All that is left early leaves nothing behind, however often", allEndsEarly},
	{"AllCancelledBefore", "All with a context that is done shows nothing and ends with a failure", allCancelledBefore},
	{"AllCancelledMidway", "All whose context ends meanwhile ends with a failure, or has shown everything", allCancelledMidway},
	{"EngineShowsAll", "Manager.All shows each session of its realm, and nothing else", engineShowsAll},
}

// versionLaws are the laws of a session.Watchable.
var versionLaws = []law{
	{"VersionsAreExact", "Versions returns the version of each live record among those asked for, and of no other", versionsAreExact},
	{"VersionsShowLiveOnly", "Versions shows neither deleted nor expired nor unknown records", versionsShowLiveOnly},
	{"VersionsOfMany", "Versions takes from none to a thousand IDs, some of them twice", versionsOfMany},
	{"VersionsFollow", "Versions follows each Update that has returned, and no Touch", versionsFollow},
	{"VersionsCancelled", "Versions with a context that is done is a failure", versionsCancelled},
	{"EngineTellsWatchers", "a watcher of a session is told of its end and of its changes, and of nothing else", engineTellsWatchers},
}

var downLaw = law{"Down", "when the backend is down each call fails, with an error that is none of the named ones, and does not outlast its context", down}
