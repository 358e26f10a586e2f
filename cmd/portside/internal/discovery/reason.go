package discovery

// Reason is a reason of the condition Discovered.
type Reason string

// What a poll came to, as a whole.
const (
	// Answered: every ready pod answered.
	Answered Reason = "Answered"
	// PartlyAnswered: some ready pods did not answer, so nothing is removed.
	PartlyAnswered Reason = "PartlyAnswered"
	// NotAnswered: no ready pod answered, each for another reason.
	NotAnswered Reason = "NotAnswered"
	// NoReadyPods: there is no pod to ask.
	NoReadyPods Reason = "NoReadyPods"
	// Disagreeing: pods give one adapter different numbers, and the last one
	// stands until they agree.
	Disagreeing Reason = "Disagreeing"
	// NotAllReady: fewer pods are ready than the workload wants, so nothing is
	// removed or renumbered.
	NotAllReady Reason = "NotAllReady"
	// RolloutUnderWay: the same while pods are being replaced.
	RolloutUnderWay Reason = "RolloutUnderWay"
	// TooManyAdapters: the pods have more adapters together than one server
	// can have, so the last answer stands.
	TooManyAdapters Reason = "TooManyAdapters"
)

// Why a pod did not answer.
const (
	// Unauthorized: 401 to the credentials, also after one renewal of the token,
	// or to the login.
	Unauthorized Reason = "Unauthorized"
	// Forbidden: 403; the credentials are good, and may not read adapters.
	Forbidden Reason = "Forbidden"
	// NotFound: 404; the path is wrong, or the server has no such list.
	NotFound Reason = "NotFound"
	// ServerError: a status of 500 and above.
	ServerError Reason = "ServerError"
	// UnexpectedStatus: any other status that is not 200.
	UnexpectedStatus Reason = "UnexpectedStatus"
	// Redirected: the server sends us elsewhere, and we do not go.
	Redirected Reason = "Redirected"
	// Timeout: the whole answer was not there in time.
	Timeout Reason = "Timeout"
	// Unreachable: no connection could be made to the pod's address.
	Unreachable Reason = "Unreachable"
	// Interrupted: the connection broke before the whole answer was there.
	Interrupted Reason = "Interrupted"
	// TLSFailed: the server could not be proven to be the one that is meant.
	TLSFailed Reason = "TLSFailed"
	// TooLarge: the answer is longer than is read.
	TooLarge Reason = "TooLarge"
	// Malformed: the answer is not the JSON list of at most 64 adapters.
	Malformed Reason = "Malformed"
	// Canceled: the caller went away. It says nothing of the pod.
	Canceled Reason = "Canceled"
)

// Why no pod can be asked.
const (
	// CredentialsMissing: the Secret is not there, or a key is not in it.
	CredentialsMissing Reason = "CredentialsMissing"
	// CredentialsNotLabelled: the Secret has no label that lets us use it.
	CredentialsNotLabelled Reason = "CredentialsNotLabelled"
	// CredentialsUnreadable: the API server did not let us read the Secret.
	CredentialsUnreadable Reason = "CredentialsUnreadable"
	// CredentialsForbidden: the namespace has no RoleBinding that lets portside
	// read its Secrets.
	CredentialsForbidden Reason = "CredentialsForbidden"
	// CredentialsInvalid: the Secret's values cannot be used.
	CredentialsInvalid Reason = "CredentialsInvalid"
	// EndpointInvalid: what the AdapterSet says makes no request.
	EndpointInvalid Reason = "EndpointInvalid"
	// PodsUnknown: the API server did not say which pods are the workload's.
	PodsUnknown Reason = "PodsUnknown"
)

// NeedsAction reports whether a poll with this reason goes on failing until a
// person changes the AdapterSet, the Secret, the permissions or the server.
func (r Reason) NeedsAction() bool {
	switch r {
	case Unauthorized, Forbidden, NotFound, TLSFailed, Redirected, Malformed, TooLarge,
		CredentialsMissing, CredentialsNotLabelled, CredentialsForbidden, CredentialsInvalid, EndpointInvalid:
		return true
	default:
		return false
	}
}

// Reasons are all of them.
var Reasons = []Reason{
	Answered, PartlyAnswered, NotAnswered, NoReadyPods, Disagreeing, NotAllReady, RolloutUnderWay, TooManyAdapters,
	Unauthorized, Forbidden, NotFound, ServerError, UnexpectedStatus, Redirected, Timeout, Unreachable, Interrupted, TLSFailed,
	TooLarge, Malformed, Canceled,
	CredentialsMissing, CredentialsNotLabelled, CredentialsUnreadable, CredentialsForbidden, CredentialsInvalid, EndpointInvalid, PodsUnknown,
}

// texts are what a failure says where there is nothing more exact to say.
var texts = map[Reason]string{
	NotAnswered:            "the source did not answer",
	Unauthorized:           "the credentials are refused (status 401)",
	Forbidden:              "the credentials may not do that (status 403)",
	NotFound:               "the path is not there (status 404)",
	Redirected:             "the server redirects elsewhere, which is not followed",
	Timeout:                "no whole answer came in time",
	Unreachable:            "no connection could be made",
	Interrupted:            "the connection broke before the answer was whole",
	TLSFailed:              "the TLS handshake failed",
	TooLarge:               "the answer is longer than is read",
	Malformed:              "the answer is not the JSON list of at most 64 adapters",
	Canceled:               "the question was given up",
	CredentialsMissing:     "the Secret with the credentials is not there",
	CredentialsUnreadable:  "the Secret with the credentials could not be read from the API server",
	CredentialsNotLabelled: "the Secret with the credentials lacks the label that lets it be used",
	PodsUnknown:            "which pods are those of the workload could not be read from the API server",
}
