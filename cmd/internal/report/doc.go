// Package report draws run directories as one HTML page that needs nothing else: report.html. It reads only the
// files of a run, so it draws runs of any process and of earlier versions; what is missing or cut off is left out
// and named on the page.
package report

//go:generate sh assets/fetch.sh
